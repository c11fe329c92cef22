/** What `lazy.tsx` loads when a tab is first opened. */
import css from "./panels.css";

export { Outputs } from "./Outputs";
export { css };
