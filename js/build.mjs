/**
 * Builds `src/index.ts` into the one bundle that every widget class shares, `src/loader.ts` into the
 * code that each widget brings to get it, and `src/list` and `src/panels` into the bundles that are
 * fetched when they are first needed.
 *
 *   node build.mjs            the bundles that Python reads
 *   node build.mjs --watch    the same, again after each change
 *   node build.mjs --gallery  the bundles and the development page in `gallery/dist`
 */
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { packagesOf, problemsOf } from "./licences.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "inductiva_widgets", "static");
// Every instance of a widget sends the loader to the page and into saved notebooks.
const LOADER_LIMIT = 4_000;
// What the loader gets is sent once for each kernel, packed to a third.
const LIMIT = 72_000;
// What is loaded when it is first opened travels once a page.
// The larger plot of a metric and the working folder have made it longer by a tenth.
const LATER_LIMIT = 86_000;

const licence = readFileSync(join(here, "licenses", "preact.txt"), "utf8").trim();

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
  metafile: true,
  logLevel: "warning",
};

// Names the registry through which the two bundles find each other: those of one build only.
const BUILD = createHash("sha256")
  .update(
    readdirSync(join(here, "src"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => readFileSync(path, "utf8"))
      .join("\0"),
  )
  .digest("hex")
  .slice(0, 12);

const report = (name, limit) => ({
  name: "report",
  setup: (build) =>
    build.onEnd((result) => {
      if (result.errors.length > 0) return;
      const { size } = statSync(join(target, name));
      console.log(`${name} ${(size / 1000).toFixed(1)} kB`);
      if (size > limit) {
        console.error(`${name} is larger than ${limit / 1000} kB.`);
        process.exitCode = 1;
      }
    }),
});

// While the front end is worked on, each widget brings the whole bundle, and hosts evaluate each
// copy as a module of its own. The first one of a build runs; the others are functions that nobody
// calls, and borrow from it.
const once = {
  format: "iife",
  globalName: "widget",
  banner: `const page=globalThis[Symbol.for("inductiva_widgets.${BUILD}")]??={},make=()=>{`,
  footer: "return widget.default};export default page.widget??=make();",
};

const main = {
  ...shared,
  format: once.format,
  globalName: once.globalName,
  entryPoints: { widget: "src/index.ts" },
  outdir: target,
  define: { __BUILD__: JSON.stringify(BUILD) },
  // Reached through the kernel once bundled; the import is for tests.
  external: ["./panels", "./list"],
  legalComments: "none",
  banner: { js: `/*! Contains Preact.\n\n${licence.replaceAll("*/", "* /")}\n*/\n${once.banner}` },
  footer: { js: once.footer },
  plugins: [report("widget.js", LIMIT), report("widget.css", LIMIT)],
};

const loader = {
  ...shared,
  inject: [],
  entryPoints: { loader: "src/loader.ts" },
  outdir: target,
  define: { __BUILD__: JSON.stringify(BUILD) },
  plugins: [report("loader.js", LOADER_LIMIT)],
};

/** Takes what the main bundle has from there; the list is that of `src/shared.ts`. */
const borrowed = {
  name: "borrowed",
  setup(build) {
    const source = readFileSync(join(here, "src", "shared.ts"), "utf8");
    const list = source.slice(source.indexOf("export const shared"));
    const names = new Set(
      [...list.slice(0, list.indexOf("});")).matchAll(/^ {2}"?([\w/]+)"?[,:]/gm)].map(([, n]) => n),
    );
    build.onResolve({ filter: /^(preact|\.)/ }, ({ path, resolveDir, namespace }) => {
      if (namespace === "borrowed") return undefined;
      const name = path.startsWith(".")
        ? relative(join(here, "src"), resolve(resolveDir, path))
        : path;
      return names.has(name) ? { path: name, namespace: "borrowed" } : undefined;
    });
    const registry = `globalThis[Symbol.for("inductiva_widgets.${BUILD}")].shared`;
    build.onLoad({ filter: /.*/, namespace: "borrowed" }, ({ path }) => ({
      contents: `module.exports = ${registry}[${JSON.stringify(path)}]`,
      loader: "js",
    }));
    // The style sheet travels inside of the code, and goes where the panel is: into a shadow root.
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const css = readFileSync(path, "utf8");
      const { code } = await esbuild.transform(css, { loader: "css", minify: true });
      return { contents: code, loader: "text" };
    });
  },
};

const later = ["list", "panels"].map((name) => ({
  ...shared,
  entryPoints: { [name]: `src/${name}/index.ts` },
  outdir: target,
  plugins: [borrowed, report(`${name}.js`, LATER_LIMIT)],
}));

if (process.argv.includes("--watch")) {
  for (const one of [loader, main, ...later]) await (await esbuild.context(one)).watch();
} else {
  const metafiles = [];
  for (const one of [loader, main, ...later]) metafiles.push((await esbuild.build(one)).metafile);
  for (const problem of problemsOf(packagesOf(metafiles), here)) {
    console.error(problem);
    process.exitCode = 1;
  }
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
  for (const name of ["widget.js", "widget.css", "list.js", "panels.js"])
    copyFileSync(join(target, name), join(out, name));
  console.log(`open ${join(here, "gallery", "index.html")} through a local web server`);
}
