/** Requests of the front end, their results, and messages that the kernel sends unrequested. */
import type {
  ColumnKey,
  ComparisonView,
  DownloadView,
  ErrorView,
  FacetView,
  FilesView,
  LineView,
  LogMetricsView,
  LogView,
  OutputsView,
  PreviewView,
  QueryView,
  RowView,
  SelectionView,
  TaskView,
} from "./contract";

/**
 * Requests; each gets one `Reply` with the same id. Kills and downloads reply once accepted or
 * refused, and report their progress by pushes. `resume_download` continues after a pause, on a card
 * also after a failure or a cancellation. On a list, downloads without a task are those of the
 * selection.
 */
export interface Requests {
  /** A chunk, see `code_splitting.tsx`. */
  module: { name: string };
  /** All traits again, for a front end that may have missed changes. */
  refresh: Record<string, never>;
  /** Whether a view is visible; `view` identifies a view of the widget. */
  visible: { view: string; is_visible: boolean };
  rows: { start: number; stop: number };
  query: { query: QueryView };
  facet: { key: ColumnKey };
  /** Tasks by id, by range of rows, or all that match the query. */
  select:
    | { ids: string[]; on: boolean }
    | { start: number; stop: number; on: boolean }
    | { on: boolean };
  kill_selected: Record<string, never>;
  download_selected: Record<string, never>;
  /** The 2 to 20 selected tasks, side by side. */
  compare: Record<string, never>;
  follow: { on: boolean };
  open: { task_id: string };
  close: { task_id: string };
  kill: { task_id: string };
  outputs: { task_id: string };
  preview: { task_id: string; name: string };
  /** The working folder of a running task. */
  files: { task_id: string };
  /** The end of a log, or the bytes after or before an offset. */
  log: { task_id: string; name: string; edition?: string; after?: number; before?: number };
  download: { task_id: string; names: string[] | null };
  pause_download: { task_id?: string };
  resume_download: { task_id?: string };
  cancel_download: { task_id?: string };
}

/** Results of the requests. */
export interface Results {
  /** The code as gzip in base64. */
  module: { gzip: string };
  refresh: null;
  visible: null;
  /** `version` is that of `QueryResultView`; `selected` are the ids of selected rows. */
  rows: { version: number; start: number; lines: LineView[]; selected: string[] };
  query: null;
  facet: FacetView;
  select: SelectionView;
  /** Number of requested kills; the errors of single tasks are pushed. */
  kill_selected: { tasks: number };
  download_selected: null;
  compare: ComparisonView;
  follow: null;
  open: { view: TaskView; log_metrics: LogMetricsView | null; download: DownloadView | null };
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

/** Changed fields of the row `id`; the keys of `marks` are indices. */
export type RowPatch = Partial<Omit<RowView, "marks">> & {
  id: string;
  marks?: Record<number, number | null>;
};

/** Messages without a request. A single card gets its traits and errors only. */
export type Push =
  | { push: "rows"; rows: RowPatch[] }
  | { push: "card"; view: TaskView }
  | { push: "log_metrics"; task_id: string; log_metrics: LogMetricsView }
  | { push: "download"; task_id: string; download: DownloadView }
  | { push: "error"; task_id: string; error: ErrorView };
