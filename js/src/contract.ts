/**
 * What Python and the page say to each other: traits and messages.
 *
 * Twin of `inductiva_widgets/widgets/contract.py`; `tests/unit/widgets/test_contract.py` compares the
 * two. Times are epoch milliseconds of the service's clock, durations seconds, sizes bytes.
 * Every string may come from the wire and is shown as text only.
 */

export type StatusGroup = "wait" | "run" | "ok" | "bad" | "off" | "unknown";
export type PhaseName = "queue" | "preparing" | "computing" | "finalizing";

/** When the queue, the preparing, the computing and the finalizing began, and when it all ended;
 * null where it has not, or where a task went past it. A phase lasts until the next one begins. */
export type Marks = (number | null)[];

/** A duration that may still be growing: `seconds` once known, else counted from `since`. */
export interface Elapsed {
  seconds: number | null;
  since: number | null;
}

/** One command of the simulation, as it was executed. */
export interface CommandView {
  command: string;
  elapsed: Elapsed;
  ok: boolean | null;
  exit_code: number | null;
}

/** The last lines that the simulator wrote to one of its streams, such as `stderr.txt`. */
export interface LogTailView {
  name: string;
  text: string;
}

/** Why a task did not succeed, and what to do next; `last_words` come a moment later. */
export interface FailureView {
  title: string;
  detail: string;
  advice: string;
  last_words: LogTailView[];
}

export type NonFinite = "nan" | "inf" | "-inf";

/** A stretch of samples in which a series is not finite, and its words: "nan since step 41". */
export interface GapView {
  kind: NonFinite;
  start: number;
  end: number;
  text: string;
}

/** One series of numbers that a simulation prints. `points` are at most 80 pairs of the number of
 * the sample and its value, in which the extremes are kept, and a null where a gap begins. `extent`
 * are the first and the last sample, finite or not; `is_log` where a logarithmic scale shows it
 * better. `last`, `low` and `high` are null where they are no finite number, and `non_finite` says
 * what the last value is instead. */
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

/** A condition of a watch, such as "Stops if p > 1", and how it stands. */
export interface ConditionView {
  text: string;
  state: string;
}

/** What is read from the log of a watched task. `source` says what is looked for, null where nothing
 * is; `progress` is the part done, 0 to 1, `ends` when all will be, at this pace. `note` tells what a
 * condition has done, `error` why something of it does not work. */
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

/** A series of a watched task, for a line of the list: the first that is not finite, else the first
 * one; its course in at most 24 values and the gaps, as in a `SeriesView`. */
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

/** A task as a line of the list. `cost` is in US dollars; `cost_rate` in dollars per second of the
 * computation, where it still grows. */
export interface RowView {
  id: string;
  status: string;
  alias: string;
  tone: StatusGroup;
  is_terminal: boolean;
  can_kill: boolean;
  simulator: string | null;
  project: string | null;
  submitted: number | null;
  started: number | null;
  computation: Elapsed;
  machine: string | null;
  cost: number | null;
  cost_rate: number | null;
  marks: Marks;
  has_outputs: boolean;
  output_files: number | null;
  output_size: number | null;
  metric: MetricView | null;
}

/** A card: all of a line and more. */
export interface TaskView extends RowView {
  queue_ahead: number | null;
  meaning: string;
  commands: CommandView[];
  failure: FailureView | null;
  console_url: string | null;
}

/** A member of the output archive. */
export interface FileView {
  name: string;
  size: number | null;
  compressed: number | null;
}

export interface OutputsView {
  archive_size: number | null;
  files: FileView[];
}

/** A look into an output file, within a budget of bytes; `note` says what is left out, and why.
 * `data` of an image is base64. */
export type PreviewView =
  | { kind: "text" | "json" | "hex"; name: string; size: number; note: string; text: string }
  | {
      kind: "table";
      name: string;
      size: number;
      note: string;
      columns: string[];
      rows: string[][];
    }
  | { kind: "image"; name: string; size: number; note: string; mime: string; data: string }
  | { kind: "none"; name: string; size: number; note: string };

/** A file of a running task's working folder; null is what the service does not tell. */
export interface WorkingFileView {
  name: string;
  size: number | null;
  modified: number | null;
}

/** The working folder as of a time; `more` files beyond these. `note` says why there are none. */
export interface FilesView {
  files: WorkingFileView[];
  more: number;
  as_of: number;
  note: string;
}

/** A stretch of a log: the bytes from `start` to `stop` of the `size` there are. A log that was
 * begun anew is shorter than what was read of it. `note` says why there is nothing yet. Bytes are
 * counted anew in each `edition`, such as while the task runs and afterwards: the page says which
 * one it has, and gets the end of the present one where that is another. */
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

/** `waiting` is for another download that fills the same folder. */
export type DownloadPhase = "waiting" | "running" | "paused" | "done" | "failed" | "cancelled";

/** One file under way: bytes of its content. */
export interface FileProgressView {
  name: string;
  done: number;
  total: number;
}

/** How far a download is. `files` are those under way, in the order of their beginning. */
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

/** Something that went wrong, in words; `report` is safe to copy. */
export interface ErrorView {
  title: string;
  detail: string;
  report: string;
}

/** Freshness of what is shown. `skew` is the service's clock minus the kernel's, milliseconds.
 * Paused while no view of the widget is in sight. */
export interface PollStatusView {
  updated: number | null;
  offline_since: number | null;
  error: string | null;
  /** The error in one or two words. */
  problem: string | null;
  /** Why the task itself is not updated any more. */
  notice: string | null;
  /** Whether nothing more is asked. */
  is_final: boolean;
  skew: number;
  is_paused: boolean;
}

/** Columns of the table; their order is the order in which they are offered. */
export type ColumnKey =
  | "status"
  | "simulator"
  | "project"
  | "id"
  | "submitted"
  | "started"
  | "ended"
  | "queue"
  | "computation"
  | "total"
  | "phases"
  | "metric"
  | "machine"
  | "cost"
  | "files"
  | "size";

export type GroupKey = "simulator" | "project" | "status" | "machine";

/** What a column must be: one of some values (null: not known), or in a range, ends included. Texts
 * are compared whole; times are epoch milliseconds, durations seconds, sizes bytes. */
export type FilterView = { values: (string | null)[] } | { min: number | null; max: number | null };

export interface SortView {
  key: ColumnKey;
  descending: boolean;
}

/** What the table shows of its tasks. `search` is in any text of a task, whatever its case;
 * `closed` names the groups whose tasks are folded away. No sort: the order of the list. */
export interface QueryView {
  search: string;
  tones: StatusGroup[];
  filters: Partial<Record<ColumnKey, FilterView>>;
  sort: SortView | null;
  group: GroupKey | null;
  closed: string[];
}

/** The head of a group; `group` is its key in `closed`, `label` null where the value is unknown. */
export interface GroupView {
  group: string;
  label: string | null;
  is_open: boolean;
  tasks: number;
  counts: Record<string, number>;
  cost: number | null;
  seconds: number;
}

export type LineView = RowView | GroupView;

/** How the lines lie: `version` grows whenever a line changes its place. `tasks` match the query,
 * `lines` are those that are not folded away, heads of groups included. `first` and `last` are the
 * earliest and the latest time of the tasks that match; `code` gives the same tasks in Python. */
export interface LayoutView {
  version: number;
  query: QueryView;
  tasks: number;
  lines: number;
  first: number | null;
  last: number | null;
  code: string;
}

/** Sums over the tasks that match: by tone as if no tone were chosen, dollars, seconds. */
export interface AggregatesView {
  counts: Record<string, number>;
  cost: number | null;
  seconds: number;
}

/** The chosen tasks; `version` grows with each change. They stay chosen when a query hides them,
 * `hidden` says how many. */
export interface SelectionView {
  version: number;
  tasks: number;
  hidden: number;
  can_kill: number;
  with_outputs: number;
  cost: number | null;
}

/** The values of a column with their counts, most frequent first; or its range. */
export interface FacetView {
  values: { value: string | null; count: number /** Of a status only. */; tone?: StatusGroup }[];
  more: number;
  min: number | null;
  max: number | null;
}

/** A task that is compared with others. */
export interface ComparedTask {
  id: string;
  status: string;
  alias: string;
  tone: StatusGroup;
  simulator: string | null;
}

/** A column of the frame of which Python speaks. Where all tasks are equal, `values` has the one
 * value of all. */
export interface ComparedField {
  name: string;
  meaning: string;
  group: string;
  kind: "text" | "time" | "seconds" | "dollars" | "bytes" | "count";
  values: (string | number | null)[];
}

/** Tasks side by side, their fields group by group; what still grows is of the time `as_of`.
 * `code` gives the same in Python. */
export interface ComparisonView {
  tasks: ComparedTask[];
  fields: ComparedField[];
  as_of: number;
  is_live: boolean;
  code: string;
}

/** Traits of TaskWidget. The page sets `notify`: whether the browser tells when the task ends. */
export interface TaskTraits {
  kind: "task";
  view: TaskView;
  live: LogMetricsView | null;
  notify: boolean;
  download: DownloadView | null;
  feed: PollStatusView;
}

/** Traits of TaskListWidget. `total` counts all tasks of the list; `head` holds the first lines of
 * `shape`, so that the first paint asks nothing. The page sets `columns` and `mode`. `download` is
 * that of the selection. */
export interface TaskListTraits {
  kind: "task_list";
  total: number;
  head: LineView[];
  shape: LayoutView;
  totals: AggregatesView;
  selection: SelectionView;
  columns: ColumnKey[];
  mode: "table" | "timeline";
  feed: PollStatusView;
  download: DownloadView | null;
  is_following: boolean;
  is_demo: boolean;
}

/** Traits of DownloadWidget. */
export interface DownloadTraits {
  kind: "download";
  title: string;
  download: DownloadView;
}

/** Traits of OutputsWidget. The page sets `chosen`: names of files, of whole folders (`vtk/`), or
 * `*` for all. */
export interface OutputsTraits {
  kind: "outputs";
  id: string;
  title: string;
  download: DownloadView | null;
  chosen: string[];
}

/** Requests of the page; each gets one Reply with the same id. Killing and downloading answer when
 * accepted or refused, and tell their progress by pushes. `resume_download` goes on after a pause,
 * and on a card also with what failed or was cancelled. On a list, downloads without a task are
 * those of the selection. */
export interface Requests {
  /** Code that is loaded when it is first needed; see `lazy.tsx`. */
  module: { name: string };
  /** All traits once more, for a page that may have missed changes. */
  refresh: Record<string, never>;
  /** Whether a view is in sight; `view` tells the views of a widget apart. */
  visible: { view: string; is_visible: boolean };
  rows: { start: number; stop: number };
  query: { query: QueryView };
  facet: { key: ColumnKey };
  /** One of: the tasks of these ids, those of these lines, all that match the query, or none. */
  select:
    | { ids: string[]; on: boolean }
    | { start: number; stop: number; on: boolean }
    | { on: boolean };
  kill_selected: Record<string, never>;
  download_selected: Record<string, never>;
  /** The chosen tasks, side by side: 2 to 20 of them. */
  compare: Record<string, never>;
  follow: { on: boolean };
  open: { task_id: string };
  close: { task_id: string };
  kill: { task_id: string };
  outputs: { task_id: string };
  preview: { task_id: string; name: string };
  /** The working folder of a running task. */
  files: { task_id: string };
  /** The end of a log; or what follows the byte `after`, or what precedes the byte `before`. */
  log: { task_id: string; name: string; edition?: string; after?: number; before?: number };
  download: { task_id: string; names: string[] | null };
  pause_download: { task_id?: string };
  resume_download: { task_id?: string };
  cancel_download: { task_id?: string };
}

/** What the requests answer with. */
export interface Results {
  /** The code, packed with gzip, as base64: a third of its size. */
  module: { gzip: string };
  refresh: null;
  visible: null;
  /** Of lines that have moved since, `version` tells; `selected` are the ids among them. */
  rows: { version: number; start: number; lines: LineView[]; selected: string[] };
  query: null;
  facet: FacetView;
  select: SelectionView;
  /** How many were asked for; errors of single ones are pushed. */
  kill_selected: { tasks: number };
  download_selected: null;
  compare: ComparisonView;
  follow: null;
  open: { view: TaskView; live: LogMetricsView | null; download: DownloadView | null };
  close: null;
  kill: null;
  outputs: OutputsView;
  preview: PreviewView;
  files: FilesView;
  log: LogView;
  download: null;
  pause_download: null;
  resume_download: null;
  cancel_download: null;
}

export type RequestKind = keyof Requests;

export type Reply =
  | { id: string; ok: true; result: unknown }
  | { id: string; ok: false; error: ErrorView };

/** What has changed in a line that the page was sent; `id` says in which, the keys of `marks` say
 * which of them. */
export type RowPatch = Partial<Omit<RowView, "marks">> & {
  id: string;
  marks?: Record<number, number | null>;
};

/** Messages that Python sends unasked. A single card gets its traits, and errors. */
export type Push =
  | { push: "rows"; rows: RowPatch[] }
  | { push: "card"; view: TaskView }
  | { push: "live"; task_id: string; live: LogMetricsView }
  | { push: "download"; task_id: string; download: DownloadView }
  | { push: "error"; task_id: string; error: ErrorView };
