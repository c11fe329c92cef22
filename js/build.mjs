/**
 * Builds `src/index.ts` into the one bundle that every widget class shares.
 *
 *   node build.mjs            the bundle that Python reads
 *   node build.mjs --watch    the same, again after each change
 *   node build.mjs --gallery  the bundle and the development page in `gallery/dist`
 */
import { copyFileSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "inductiva_widgets", "static");
// Every instance of a widget sends the whole bundle to the page and into saved notebooks.
const LIMIT = 60_000;

const licence = readFileSync(join(here, "node_modules", "preact", "LICENSE"), "utf8").trim();

const shared = {
  absWorkingDir: here,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  // Plain h() calls, with the children as arguments: 3 % less than the `jsxImportSource` form that
  // the type checker and the tests use. `inject` brings h and Fragment into scope.
  tsconfigRaw: {},
  jsx: "transform",
  jsxFactory: "h",
  jsxFragment: "Fragment",
  inject: ["src/jsx.ts"],
  logLevel: "warning",
};

const bundle = {
  ...shared,
  entryPoints: { widget: "src/index.ts" },
  outdir: target,
  legalComments: "none",
  banner: { js: `/*! Contains Preact.\n\n${licence.replaceAll("*/", "* /")}\n*/` },
  plugins: [
    {
      name: "report",
      setup: (build) =>
        build.onEnd((result) => {
          if (result.errors.length > 0) return;
          const [js] = ["widget.js", "widget.css"].map((name) => {
            const { size } = statSync(join(target, name));
            console.log(`${name} ${(size / 1000).toFixed(1)} kB`);
            return size;
          });
          if (js > LIMIT) {
            console.error(`The bundle is larger than ${LIMIT / 1000} kB.`);
            process.exitCode = 1;
          }
        }),
    },
  ],
};

if (process.argv.includes("--watch")) {
  await (await esbuild.context(bundle)).watch();
} else {
  await esbuild.build(bundle);
}

if (process.argv.includes("--gallery")) {
  const out = join(here, "gallery", "dist");
  mkdirSync(out, { recursive: true });
  await esbuild.build({
    ...shared,
    minify: false,
    entryPoints: { gallery: "gallery/gallery.ts" },
    outdir: out,
  });
  // The page mounts the bundle that users get, not its sources.
  for (const name of ["widget.js", "widget.css"]) copyFileSync(join(target, name), join(out, name));
  console.log(`open ${join(here, "gallery", "index.html")} through a local web server`);
}
