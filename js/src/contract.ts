/**
 * Types of the JSON that the kernel sends, and the columns of the table: generated, do not edit.
 *
 * Written by `python -m tests.typescript_contract` from `inductiva_widgets/widgets/contract.py` and
 * `inductiva_widgets/columns.py`.
 */

export type StatusGroupKey = "wait" | "run" | "ok" | "bad" | "off" | "unknown";

export type ColumnKey = "status" | "simulator" | "project" | "task_id" | "machine_type" | "submitted" | "started" | "ended" | "queue_time" | "computation_time" | "total_time" | "phases" | "metric" | "cost_usd" | "output_files" | "output_bytes";

export type GroupKey = "status" | "simulator" | "project" | "machine_type";

export type NonFinite = "nan" | "inf" | "-inf";

export type DownloadPhase = "waiting" | "running" | "paused" | "done" | "failed" | "cancelled";

export type Marks = (number | null)[];

/** A duration: `seconds` if it is complete, else it counts from `since`. */
export interface Elapsed {
  seconds: number | null;
  since: number | null;
}

/** One executed command of the simulation. */
export interface CommandView {
  command: string;
  elapsed: Elapsed;
  ok: boolean | null;
  exit_code: number | null;
}

/** The last lines of an output stream, such as `stderr.txt`. */
export interface LogTailView {
  name: string;
  text: string;
}

/** Why a task failed, and what to do next. `last_words` may arrive later. */
export interface FailureView {
  title: string;
  detail: string;
  advice: string;
  last_words: LogTailView[];
}

/**
 * A task as a row of the table; `cost_rate` is per second, while the cost grows.
 *
 * Besides these fields, the row has the value of each column in `columns.ROW_COLUMNS`.
 */
export interface RowView {
  id: string;
  status: string;
  alias: string;
  status_group: StatusGroupKey;
  is_terminal: boolean;
  can_kill: boolean;
  computation: Elapsed;
  cost_rate: number | null;
  marks: Marks;
  has_outputs: boolean;
  metric: MetricView | null;
  simulator: string | null;
  project: string | null;
  machine_type: string | null;
  submitted: number | null;
  started: number | null;
  cost_usd: number | null;
  output_files: number | null;
  output_bytes: number | null;
}

/** A task as a card. */
export interface TaskView {
  id: string;
  status: string;
  alias: string;
  status_group: StatusGroupKey;
  is_terminal: boolean;
  can_kill: boolean;
  computation: Elapsed;
  cost_rate: number | null;
  marks: Marks;
  has_outputs: boolean;
  metric: MetricView | null;
  queue_ahead: number | null;
  meaning: string;
  commands: CommandView[];
  failure: FailureView | null;
  console_url: string | null;
  simulator: string | null;
  project: string | null;
  machine_type: string | null;
  submitted: number | null;
  started: number | null;
  cost_usd: number | null;
  output_files: number | null;
  output_bytes: number | null;
}

/** An entry of the output archive. */
export interface FileView {
  name: string;
  size: number | null;
  compressed: number | null;
}

/** The listing of an output archive. */
export interface OutputsView {
  archive_size: number | null;
  files: FileView[];
}

/** An error message; `report` contains no secrets and can be copied. */
export interface ErrorView {
  title: string;
  detail: string;
  report: string;
}

/** A file that is being downloaded; uncompressed bytes. */
export interface FileProgressView {
  name: string;
  done: number;
  total: number;
}

/** Progress of a download; `files` are the active ones, in the order they started. */
export interface DownloadView {
  phase: DownloadPhase;
  bytes_done: number;
  bytes_total: number | null;
  files_done: number;
  files_total: number | null;
  speed: number | null;
  eta: number | null;
  files: FileProgressView[];
  path: string | null;
  error: ErrorView | null;
}

/**
 * How recent the shown state is.
 *
 * `problem` is a short form of `error`. `notice` says why the task itself is no longer
 * updated, `is_final` that polling has ended. `skew` is the service's clock minus the
 * kernel's, in milliseconds. Polling pauses while no view of the widget is visible.
 */
export interface PollStatusView {
  updated: number | null;
  offline_since: number | null;
  error: string | null;
  problem: string | null;
  notice: string | null;
  is_final: boolean;
  skew: number;
  is_paused: boolean;
}

/** A range of samples that are not finite; `text` as in "nan since step 41". */
export interface GapView {
  kind: NonFinite;
  start: number;
  end: number;
  text: string;
}

/**
 * A series of numbers from a log.
 *
 * `points` are at most 80 pairs of sample number and value that keep the extremes; a value is
 * null where a gap begins. `extent` are the first and the last sample, finite or not. `last`,
 * `low` and `high` are null if not finite; `non_finite` is then the kind of `last`.
 * `is_log` suggests a logarithmic scale.
 */
export interface SeriesView {
  name: string;
  last: number | null;
  non_finite: NonFinite | "";
  low: number | null;
  high: number | null;
  points: [number, number | null][];
  gaps: GapView[];
  extent: [number, number];
  is_log: boolean;
}

/** A condition of a watch, such as "Kills the task if p > 1", and its state. */
export interface ConditionView {
  text: string;
  state: string;
}

/**
 * Metrics that are read from the log of a watched task.
 *
 * `source` describes the log and the pattern, null if nothing is watched. `progress` is the
 * done part, 0 to 1; `ends` the extrapolated end. `note` reports the effect of a condition.
 */
export interface LogMetricsView {
  source: string | null;
  series: SeriesView[];
  samples: number;
  progress: number | null;
  ends: number | null;
  last_output: number | null;
  can_grow: boolean;
  conditions: ConditionView[];
  note: string;
  error: ErrorView | null;
}

/** The first series of a watched task that is not finite, else the first; for a table row. */
export interface MetricView {
  name: string;
  last: number | null;
  non_finite: NonFinite | "";
  points: [number, number | null][];
  gaps: GapView[];
  extent: [number, number];
  is_log: boolean;
  progress: number | null;
}

/** A file in the working folder of a running task; null if the service does not report it. */
export interface WorkingFileView {
  name: string;
  size: number | null;
  modified: number | null;
}

/** The working folder at `as_of`; `more` files are left out, `note` says why none are. */
export interface FilesView {
  files: WorkingFileView[];
  more: number;
  as_of: number;
  note: string;
}

/**
 * The bytes from `start` to `stop` of a log with `size` bytes.
 *
 * Offsets are valid within one `edition` only: the log of the running task is one edition, the
 * log in the output archive is another. `note` says why there is no text yet.
 */
export interface LogView {
  name: string;
  edition: string;
  text: string;
  start: number;
  stop: number;
  size: number;
  can_grow: boolean;
  note: string;
}

/** Accepts these values of a column; null is an unknown value. */
export interface ValuesFilter {
  values: (string | null)[];
}

/** Accepts a closed interval; null is no limit. */
export interface RangeFilter {
  min: number | null;
  max: number | null;
}

export type FilterView = ValuesFilter | RangeFilter;

/** The sort column and direction. */
export interface SortView {
  key: ColumnKey;
  descending: boolean;
}

/**
 * Search, filters, sorting and grouping of the table.
 *
 * `search` matches any text of a task, ignoring case. `collapsed` are the keys of the
 * collapsed groups. If `sort` is null, the rows are in the order of the list.
 */
export interface QueryView {
  search: string;
  status_groups: StatusGroupKey[];
  filters: Partial<Record<ColumnKey, FilterView>>;
  sort: SortView | null;
  group: GroupKey | null;
  collapsed: string[];
}

/**
 * Cost in US dollars and computation time of several tasks.
 *
 * `growth` is null if no task is computing, else how many are, what they cost per second, and
 * the time of the sums in epoch milliseconds: a list, since each poll sends it.
 */
export interface SumsView {
  cost: number | null;
  seconds: number;
  growth: [number, number, number] | null;
}

/** The header row of a group; `label` is null for tasks without a value. */
export interface GroupView {
  cost: number | null;
  seconds: number;
  growth: [number, number, number] | null;
  group: string;
  label: string | null;
  is_open: boolean;
  tasks: number;
  counts: Record<string, number>;
}

export type LineView = RowView | GroupView;

/**
 * The rows of the table that match the query.
 *
 * `version` grows when a row changes its position. `tasks` match the query; `lines` are the
 * visible rows, group headers included. `first` and `last` are the earliest and latest time of
 * the matching tasks. `code` is the same query in Python.
 */
export interface QueryResultView {
  version: number;
  query: QueryView;
  tasks: number;
  lines: number;
  first: number | null;
  last: number | null;
  code: string;
}

/** Sums over the matching tasks; `counts` by status group ignore the status filter. */
export interface AggregatesView {
  cost: number | null;
  seconds: number;
  growth: [number, number, number] | null;
  counts: Record<string, number>;
}

/** The selected tasks; `hidden` do not match the query. `version` grows with each change. */
export interface SelectionView {
  version: number;
  tasks: number;
  hidden: number;
  can_kill: number;
  with_outputs: number;
  cost: number | null;
}

/** A value of a column, and how often it occurs; `status_group` for a status only. */
export interface FacetValue {
  value: string | null;
  count: number;
  status_group?: StatusGroupKey;
}

/** The values of a column, most frequent first, or its range. */
export interface FacetView {
  values: FacetValue[];
  more: number;
  min: number | null;
  max: number | null;
}

/** A task in a comparison. */
export interface ComparedTask {
  id: string;
  status: string;
  alias: string;
  status_group: StatusGroupKey;
  simulator: string | null;
}

/** A frame column in a comparison; `values` has one item if all tasks are equal. */
export interface ComparedField {
  name: string;
  meaning: string;
  group: string;
  kind: "text" | "time" | "seconds" | "dollars" | "bytes" | "count";
  values: (string | number | null)[];
}

/** Tasks side by side at `as_of`; `code` is the same comparison in Python. */
export interface ComparisonView {
  tasks: ComparedTask[];
  fields: ComparedField[];
  as_of: number;
  is_live: boolean;
  code: string;
}

/** A text file, or another one as a hex dump. `note` says what is left out. */
export interface TextPreview {
  kind: "text" | "json" | "hex";
  name: string;
  size: number;
  note: string;
  text: string;
}

/** A table file. */
export interface TablePreview {
  kind: "table";
  name: string;
  size: number;
  note: string;
  columns: string[];
  rows: string[][];
}

/** An image; `data` is base64. */
export interface ImagePreview {
  kind: "image";
  name: string;
  size: number;
  note: string;
  mime: string;
  data: string;
}

/** A file that cannot be shown; `note` says why. */
export interface NoPreview {
  kind: "none";
  name: string;
  size: number;
  note: string;
}

export type PreviewView = TextPreview | TablePreview | ImagePreview | NoPreview;

/** Traits of `TaskWidget`. The front end sets `notify`: notify when the task ends. */
export interface TaskTraits {
  kind: "task";
  view: TaskView;
  log_metrics: LogMetricsView | null;
  notify: boolean;
  download: DownloadView | null;
  poll_status: PollStatusView;
}

/**
 * Traits of `TaskListWidget`. The front end sets `columns`, `column_widths` and `mode`.
 *
 * `total` counts all tasks of the list. `first_rows` are there so that the first paint
 * needs no request. `download` is the download of the selection.
 */
export interface TaskListTraits {
  kind: "task_list";
  total: number;
  first_rows: LineView[];
  query_result: QueryResultView;
  aggregates: AggregatesView;
  selection: SelectionView;
  columns: ColumnKey[];
  column_widths: Record<string, number>;
  mode: "table" | "timeline";
  poll_status: PollStatusView;
  download: DownloadView | null;
  is_following: boolean;
  is_demo: boolean;
}

/** Traits of `DownloadWidget`. */
export interface DownloadTraits {
  kind: "download";
  title: string;
  download: DownloadView;
}

/**
 * Traits of `OutputsWidget`. The front end sets `chosen`.
 *
 * `chosen` are names of files, of folders with a slash at the end, or `*` for all files.
 */
export interface OutputsTraits {
  kind: "outputs";
  id: string;
  title: string;
  download: DownloadView | null;
  chosen: string[];
}

/** How the values of a column are written and filtered. */
export type ColumnKind = "category" | "text" | "time" | "seconds" | "picture" | "dollars" | "bytes" | "count";

export interface Column {
  title: string;
  kind: ColumnKind;
  /** Minimum, in pixels. */
  width: number;
  /** Width at which values are rarely cut off. */
  fullWidth: number;
  /** In a narrow table, columns of a lower priority are left out first. */
  priority: number;
  /** Takes the space that is left when all others have their full width. */
  grows?: boolean;
  /** The table cannot be sorted by it. */
  isUnsorted?: boolean;
}

export const COLUMNS: Record<ColumnKey, Column> = {
  status: { title: "Status", kind: "category", width: 150, fullWidth: 214, priority: 100 },
  simulator: { title: "Simulator", kind: "category", width: 88, fullWidth: 124, priority: 80 },
  project: { title: "Project", kind: "category", width: 90, fullWidth: 160, priority: 45 },
  task_id: { title: "ID", kind: "text", width: 86, fullWidth: 204, priority: 90 },
  machine_type: { title: "Resource type", kind: "category", width: 116, fullWidth: 150, priority: 40 },
  submitted: { title: "Submitted", kind: "time", width: 96, fullWidth: 104, priority: 60 },
  started: { title: "Started", kind: "time", width: 96, fullWidth: 104, priority: 20 },
  ended: { title: "Ended", kind: "time", width: 96, fullWidth: 104, priority: 25 },
  queue_time: { title: "Queue", kind: "seconds", width: 72, fullWidth: 72, priority: 15 },
  computation_time: { title: "Computation", kind: "seconds", width: 100, fullWidth: 100, priority: 70 },
  total_time: { title: "Total", kind: "seconds", width: 72, fullWidth: 72, priority: 22 },
  phases: { title: "Phases", kind: "picture", width: 74, fullWidth: 74, priority: 30, grows: true },
  metric: { title: "Metric", kind: "picture", width: 158, fullWidth: 158, priority: 55, isUnsorted: true },
  cost_usd: { title: "Cost", kind: "dollars", width: 84, fullWidth: 84, priority: 50 },
  output_files: { title: "Files", kind: "count", width: 60, fullWidth: 60, priority: 10 },
  output_bytes: { title: "Size", kind: "bytes", width: 78, fullWidth: 78, priority: 12 },
};

/** The default of the `columns` trait. */
export const DEFAULT_COLUMNS: readonly ColumnKey[] = [
  "status",
  "simulator",
  "task_id",
  "submitted",
  "started",
  "computation_time",
  "phases",
  "machine_type",
  "cost_usd",
];
