/** The chunk that is loaded after the first paint of a table. */
import css from "./list.css";

export { TaskList } from "./TaskList";
export { css };
