/** What `lazy.tsx` loads when a tab is first opened. */
import log from "./log.css";
import outputs from "./outputs.css";

export { Log } from "./Log";
export { Outputs } from "./Outputs";
export { OutputsCard } from "./OutputsCard";
/** Of the panels alone; they bring it along. */
export const css = [outputs, log].join("\n");
