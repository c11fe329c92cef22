/** What `lazy.tsx` loads when a tab, a menu or a time line is first opened. */
import list from "./list.css";
import outputs from "./panels.css";

export { BulkBar } from "./BulkBar";
export { FilterChips } from "./FilterChips";
export { Gantt } from "./Gantt";
export { GanttTools } from "./GanttTools";
export { Menu } from "./Menu";
export { Outputs } from "./Outputs";
export const css = outputs + list;
