declare const __BUILD__: string | undefined;

/** Tells bundles apart; empty if the sources run as they are, as in tests. */
export const BUILD: string = typeof __BUILD__ === "undefined" ? "" : __BUILD__;

/** False if the sources run as they are, as in tests. */
export const IS_BUNDLED = BUILD !== "";
