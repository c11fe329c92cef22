declare const __BUILD__: string | undefined;

/** Identifies the build; empty if the sources run unbundled, as in tests. */
export const BUILD: string = typeof __BUILD__ === "undefined" ? "" : __BUILD__;

/** False if the sources run unbundled. */
export const IS_BUNDLED = BUILD !== "";
