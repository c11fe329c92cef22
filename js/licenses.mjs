/** The third-party code in the bundles, and its licenses, which go into the wheel. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Names the packages whose code esbuild has bundled.
 *
 * @param {{ inputs: Record<string, unknown> }[]} metafiles what esbuild tells of each bundle
 * @returns {Set<string>}
 */
export function packagesOf(metafiles) {
  const paths = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const found = paths.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return new Set(found.filter((name) => name !== undefined));
}

/** The file in `licenses/` for a package. */
export const fileOf = (/** @type {string} */ name) => `${name.replace("/", "+")}.txt`;

/**
 * Says what keeps `licenses/` from being the licenses of just these packages.
 *
 * @param {Set<string>} packages
 * @param {string} here the folder of `licenses` and `node_modules`
 * @returns {string[]}
 */
export function problemsOf(packages, here) {
  const folder = join(here, "licenses");
  const files = new Map([...packages].map((name) => [fileOf(name), name]));
  const problems = readdirSync(folder)
    .filter((file) => !files.has(file))
    .map((file) => `licenses/${file} is of no package in the bundles: remove it`);
  for (const [file, name] of files) {
    const home = join(here, "node_modules", name);
    const original = readdirSync(home).find((entry) => /^licen[cs]e/i.test(entry));
    const kept = join(folder, file);
    if (!original) problems.push(`${name} is bundled, but has no license file: write ${file}`);
    else if (!existsSync(kept) || read(kept) !== read(join(home, original)))
      problems.push(
        `${name} is bundled: copy node_modules/${name}/${original} to licenses/${file}`,
      );
  }
  return problems;
}

const read = (/** @type {string} */ path) => readFileSync(path, "utf8");
