/** What `lazy.tsx` loads when a tab is first opened. */
import outputs from "./outputs.css";

export { Outputs } from "./Outputs";
export { OutputsCard } from "./OutputsCard";
/** Of the panels alone; they bring it along. */
export const css = [outputs].join("\n");
