/**
 * What Python and the page say to each other: traits and messages.
 *
 * Twin of `inductiva_widgets/widgets/state.py`; `tests/unit/widgets/test_contract.py` compares the
 * two. Times are epoch milliseconds of the service's clock, durations seconds, sizes bytes.
 * Every string may come from the wire and is shown as text only.
 */

export type Tone = "wait" | "run" | "ok" | "bad" | "off" | "unknown";
export type PhaseName = "queue" | "preparing" | "computing" | "finalizing";

/** One stretch of a task's life; `end` is null while it lasts. */
export interface Phase {
  name: PhaseName;
  start: number;
  end: number | null;
}

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
}

/** Why a task did not succeed, and what to do next. */
export interface FailureView {
  title: string;
  detail: string;
  advice: string;
}

/** A line of the list. */
export interface RowView {
  id: string;
  status: string;
  alias: string;
  tone: Tone;
  is_terminal: boolean;
  can_kill: boolean;
  simulator: string | null;
  submitted: number | null;
  started: number | null;
  computation: Elapsed;
  machine: string | null;
  cost: number | null;
  phases: Phase[];
  has_outputs: boolean;
}

/** A card: all of a line and more. */
export interface TaskView extends RowView {
  project: string | null;
  queue_ahead: number | null;
  meaning: string;
  commands: CommandView[];
  failure: FailureView | null;
  output_files: number | null;
  output_size: number | null;
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

/** Freshness of what is shown. `skew` is the service's clock minus the kernel's, milliseconds. */
export interface FeedView {
  updated: number | null;
  offline_since: number | null;
  error: string | null;
  skew: number;
}

/** Traits of TaskWidget. */
export interface TaskTraits {
  kind: "task";
  view: TaskView;
  download: DownloadView | null;
  feed: FeedView;
}

/** Traits of TaskListWidget. `head` holds the first rows, so that the first paint asks nothing. */
export interface TaskListTraits {
  kind: "task_list";
  total: number;
  head: RowView[];
  counts: Record<string, number>;
  feed: FeedView;
  is_demo: boolean;
}

/** Traits of DownloadWidget. */
export interface DownloadTraits {
  kind: "download";
  title: string;
  download: DownloadView;
}

/** Requests of the page; each gets one Reply with the same id. Killing and downloading answer when
 * accepted or refused, and tell their progress by pushes. `resume_download` goes on after a pause,
 * and on a card also with what failed or was cancelled. */
export interface Requests {
  rows: { start: number; stop: number };
  open: { task_id: string };
  close: { task_id: string };
  kill: { task_id: string };
  outputs: { task_id: string };
  download: { task_id: string; names: string[] | null };
  pause_download: { task_id?: string };
  resume_download: { task_id?: string };
  cancel_download: { task_id?: string };
}

/** What the requests answer with. */
export interface Results {
  rows: { start: number; rows: RowView[] };
  open: { view: TaskView; download: DownloadView | null };
  close: null;
  kill: null;
  outputs: OutputsView;
  download: null;
  pause_download: null;
  resume_download: null;
  cancel_download: null;
}

export type RequestKind = keyof Requests;

export type Reply =
  | { id: string; ok: true; result: unknown }
  | { id: string; ok: false; error: ErrorView };

/** Messages that Python sends unasked (list only; a single card gets its traits). */
export type Push =
  | { push: "rows"; rows: RowView[] }
  | { push: "card"; view: TaskView }
  | { push: "download"; task_id: string; download: DownloadView }
  | { push: "error"; task_id: string; error: ErrorView };
