/** Inline SVG icons: hosts lack icon fonts, and glyphs differ between machines. */
import { icons } from "../../../inductiva_widgets/design_tokens.json";
import type { StatusGroupKey } from "../contract";

export type IconName = keyof typeof icons.bold | keyof typeof icons.thin;

const PATHS: Record<IconName, string> = { ...icons.bold, ...icons.thin };

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      class={`iw-icon iw-icon-${name}`}
      viewBox="0 0 12 12"
      width="12"
      height="12"
      fill="none"
      stroke="currentColor"
      stroke-width={name in icons.thin ? 1.2 : 1.8}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

const STATUS_GROUPS: ReadonlySet<string> = new Set(["wait", "run", "ok", "bad", "off", "unknown"]);

/** The group itself, or "unknown" for a group that only a newer kernel knows. */
export function statusGroupOf(group: string): StatusGroupKey {
  return STATUS_GROUPS.has(group) ? (group as StatusGroupKey) : "unknown";
}
