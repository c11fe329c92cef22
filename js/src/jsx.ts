/** The functions that JSX compiles to, see `build.mjs`. */
export { Fragment, h } from "preact";
