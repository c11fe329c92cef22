/** What JSX is compiled to; see `build.mjs`. */
export { Fragment, h } from "preact";
