/**
 * Builds the front end: the loader that each widget sends (`src/loader.ts`), the main bundle that all
 * widgets share (`src/index.ts`), and the chunks that are loaded on demand (`src/list`, `src/panels`).
 *
 *   node build.mjs            the bundles that Python reads
 *   node build.mjs --watch    the same, again after each change
 *   node build.mjs --gallery  the bundles and the development page in `gallery/dist`
 */
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { designTokensCss, TOKENS_PATH } from "./design_tokens.mjs";
import { packagesOf, problemsOf } from "./licenses.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "inductiva_widgets", "static");
// Limits notice when a bundle grows by a library or a copy; each leaves 10 kB for new features.
// Every widget sends the loader, and every saved notebook stores it.
const LOADER_LIMIT = 4_000;
// Sent once per kernel, packed to a third.
const LIMIT = 76_000;
const CSS_LIMIT = 34_000;

/** Folders of `src` that are built into a chunk each, with its limit; sent once per page, on demand. */
const CHUNKS = { list: 42_000, panels: 88_000 };
// `inject`ed into every bundle.
const JSX = "src/jsx.ts";

const license = readFileSync(join(here, "licenses", "preact.txt"), "utf8").trim();

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
  inject: [JSX],
  metafile: true,
  logLevel: "warning",
};

// Names the registry on `globalThis` in which the bundles of one build find each other.
const BUILD = createHash("sha256")
  .update(
    readdirSync(join(here, "src"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .concat(TOKENS_PATH, join(here, "design_tokens.mjs"))
      .map((path) => readFileSync(path, "utf8"))
      .join("\0"),
  )
  .digest("hex")
  .slice(0, 12);

/** Puts style sheets into the code of a chunk: they go where it is drawn, into a shadow root. */
const cssAsText = {
  name: "css as text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const css = readFileSync(path, "utf8");
      const { code } = await esbuild.transform(css, { loader: "css", minify: true });
      return { contents: code, loader: "text" };
    });
  },
};

/** Resolves `@import "design-tokens"`. */
const designTokens = {
  name: "design tokens",
  setup(build) {
    const namespace = "design-tokens";
    build.onResolve({ filter: /^design-tokens$/ }, ({ path }) => ({ path, namespace }));
    build.onLoad({ filter: /./, namespace }, () => ({
      contents: designTokensCss(),
      loader: "css",
      watchFiles: [TOKENS_PATH],
    }));
  },
};

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

// With `ANYWIDGET_HMR`, each widget sends the whole main bundle, and hosts evaluate each copy as a
// module. Only the first copy of a build runs: the rest takes its result from the registry.
const once = {
  format: "iife",
  globalName: "widget",
  banner: `const page=globalThis[Symbol.for("inductiva_widgets.${BUILD}")]??={},make=()=>{`,
  footer: "return widget.default};export default page.widget??=make();",
};

// The kernel sends the chunks; these imports are for tests, which run the sources.
const CHUNK_IMPORTS = ["./panels", "./list"];

/**
 * The modules that the main bundle and a chunk would both contain and that the chunk imports: it
 * takes them from the main bundle, so that their code and state exist once.
 */
async function findSharedModules() {
  const inputsOf = async (entry) => {
    const { metafile } = await esbuild.build({
      ...shared,
      entryPoints: [entry],
      outdir: target,
      write: false,
      external: CHUNK_IMPORTS,
      plugins: [cssAsText, designTokens],
    });
    return metafile.inputs;
  };
  const main = await inputsOf("src/index.ts");
  // Of a JSON file, each bundle contains just the keys that it imports.
  const isInMain = (path) => path in main && path !== JSX && !path.endsWith(".json");
  const inputs = await Promise.all(
    Object.keys(CHUNKS).map((name) => inputsOf(`src/${name}/index.ts`)),
  );
  const found = inputs
    .flatMap((files) => Object.entries(files))
    .filter(([path]) => !isInMain(path))
    .flatMap(([, { imports }]) => imports.map(({ path }) => path))
    .filter(isInMain);
  return [...new Set(found)].sort();
}

const sharedModules = await findSharedModules();
const registry = `globalThis[Symbol.for("inductiva_widgets.${BUILD}")]`;

const main = {
  ...shared,
  format: once.format,
  globalName: once.globalName,
  stdin: {
    contents: [
      'export { default } from "./src/index";',
      ...sharedModules.map((path, n) => `import * as m${n} from ${JSON.stringify(`./${path}`)};`),
      `${registry}.modules = [${sharedModules.map((_, n) => `m${n}`)}];`,
    ].join("\n"),
    resolveDir: here,
  },
  outfile: join(target, "widget.js"),
  define: { __BUILD__: JSON.stringify(BUILD) },
  external: CHUNK_IMPORTS,
  legalComments: "none",
  banner: { js: `/*! Contains Preact.\n\n${license.replaceAll("*/", "* /")}\n*/\n${once.banner}` },
  footer: { js: once.footer },
  plugins: [designTokens, report("widget.js", LIMIT), report("widget.css", CSS_LIMIT)],
};

const loader = {
  ...shared,
  inject: [],
  entryPoints: { loader: "src/loader.ts" },
  outdir: target,
  define: { __BUILD__: JSON.stringify(BUILD) },
  plugins: [report("loader.js", LOADER_LIMIT)],
};

/**
 * Takes shared modules from the main bundle. esbuild's own splitting cannot: its chunks import each
 * other by relative paths (https://esbuild.github.io/api/#splitting), which do not resolve from the
 * blob URLs that they are loaded from.
 */
const fromMainBundle = {
  name: "from main bundle",
  setup(build) {
    build.onResolve({ filter: /./ }, async ({ path, pluginData, ...options }) => {
      // The call of `build.resolve` below comes here too.
      if (pluginData === "resolve" || options.kind === "entry-point") return undefined;
      const found = await build.resolve(path, { ...options, pluginData: "resolve" });
      const index = sharedModules.indexOf(relative(here, found.path).replaceAll(sep, "/"));
      return index === -1 ? found : { path: String(index), namespace: "main-bundle" };
    });
    build.onLoad({ filter: /./, namespace: "main-bundle" }, ({ path }) => ({
      contents: `module.exports = ${registry}.modules[${path}]`,
    }));
  },
};

const chunks = Object.entries(CHUNKS).map(([name, limit]) => ({
  ...shared,
  entryPoints: { [name]: `src/${name}/index.ts` },
  outdir: target,
  plugins: [fromMainBundle, cssAsText, report(`${name}.js`, limit)],
}));

if (process.argv.includes("--watch")) {
  for (const one of [loader, main, ...chunks]) await (await esbuild.context(one)).watch();
} else {
  const metafiles = [];
  for (const one of [loader, main, ...chunks]) metafiles.push((await esbuild.build(one)).metafile);
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
