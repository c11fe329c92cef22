/** What `lazy.tsx` loads when a tab is first opened. */
import log from "./log.css";
import panels from "./panels.css";

export { Log } from "./Log";
export { Outputs } from "./Outputs";
export const css = [panels, log].join("\n");
