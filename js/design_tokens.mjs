/** Style sheet of the design tokens, which Python and TypeScript read from the same JSON file. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const TOKENS_PATH = join(
  dirname(fileURLToPath(import.meta.url)),
  "../inductiva_widgets/design_tokens.json",
);

/**
 * Declares each token as a custom property, and what the classes of states choose from them.
 *
 * @returns {string}
 */
export function designTokensCss() {
  const { hues, series, phases, status_groups, theme, sizes } = JSON.parse(
    readFileSync(TOKENS_PATH, "utf8"),
  );
  const properties = { ...theme, ...sizes };
  const rules = [];
  for (const [group, { text, surface }] of Object.entries(status_groups)) {
    properties[`status-${group}`] = `light-dark(${text})`;
    properties[`status-${group}-surface`] = `light-dark(${surface})`;
    rules.push(
      `.iw-status-${group} { --iw-status: var(--iw-status-${group}); ` +
        `--iw-status-surface: var(--iw-status-${group}-surface) }`,
    );
  }
  for (const [phase, hue] of Object.entries(phases))
    rules.push(`.iw-phase-${phase} { --iw-phase-colour: ${hues[hue]} }`);
  series.forEach((/** @type {string} */ hue, /** @type {number} */ index) => {
    rules.push(`.iw-series-${index} { --iw-series-colour: ${hues[hue]} }`);
  });
  const declarations = Object.entries(properties).map(([name, value]) => `--iw-${name}: ${value};`);
  return `.iw-root {\n${[...declarations, ...rules].join("\n")}\n}\n`;
}
