/** What `lazy.tsx` loads as soon as a list has been painted. */
import css from "./list.css";

export { TaskList } from "./TaskList";
export { css };
