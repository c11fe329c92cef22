/** The chunk that is loaded when a tab, a menu or a time line is first opened. */
import compare from "./compare.css";
import list from "./list.css";
import log from "./log.css";
import outputs from "./outputs.css";

export { Chart } from "./Chart";
export { FilterChips } from "./FilterChips";
export { Gantt } from "./Gantt";
export { GanttTools } from "./GanttTools";
export { Log } from "./Log";
export { Menu } from "./Menu";
export { Outputs } from "./Outputs";
export { OutputsCard } from "./OutputsCard";
export { SelectionBar } from "./SelectionBar";
export { WorkingFiles } from "./WorkingFiles";
/** Of the panels alone; they bring it along. */
export const css = outputs + log + list + compare;
