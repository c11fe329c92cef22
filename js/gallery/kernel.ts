/** The kernel's half of a list, in the page: queries, selections and facets over rows that are made up. */

import { currentCost, elapsedSeconds } from "../src/clock";
import {
  type ColumnKey,
  type ComparedField,
  type ComparisonView,
  DEFAULT_COLUMNS,
  type FilterView,
  type LineView,
  type QueryView,
  type RowView,
  type SelectionView,
  type SumsView,
  type TaskListTraits,
} from "../src/contract";
import { phasesOf } from "../src/phases";
import { GalleryModel, type Handlers } from "./model";
import * as states from "./states";

const SECOND = 1000;

/** What a column holds, as it is compared. */
function columnOf(row: RowView, key: ColumnKey): string | number | null {
  switch (key) {
    case "status":
      return row.alias;
    case "simulator":
    case "project":
    case "machine_type":
    case "submitted":
    case "started":
    case "cost_usd":
    case "output_files":
    case "output_bytes":
      return row[key];
    case "task_id":
      return row.id;
    case "ended":
      return row.marks[4] ?? null;
    case "computation_time":
      return row.computation.seconds;
    case "queue_time": {
      const queue = phasesOf(row.marks).find(({ name }) => name === "queue");
      return queue?.end == null ? null : (queue.end - queue.start) / SECOND;
    }
    case "total_time":
      return row.marks[4] == null || row.submitted === null
        ? null
        : (row.marks[4] - row.submitted) / SECOND;
    default:
      return null;
  }
}

function passes(row: RowView, key: ColumnKey, filter: FilterView): boolean {
  const value = columnOf(row, key);
  if ("values" in filter) return filter.values.includes(value as string | null);
  if (typeof value !== "number") return false;
  return value >= (filter.min ?? -Infinity) && value <= (filter.max ?? Infinity);
}

function isFound(row: RowView, search: string): boolean {
  const texts = [row.id, row.alias, row.simulator, row.project, row.machine_type];
  return texts.some((text) => text?.toLowerCase().includes(search.toLowerCase()));
}

const sum = (values: (number | null)[]) => values.reduce<number>((all, one) => all + (one ?? 0), 0);

function countsOf(rows: RowView[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status_group: group } of rows) counts[group] = (counts[group] ?? 0) + 1;
  return counts;
}

function sumsOf(rows: RowView[]): SumsView {
  const now = Date.now();
  const computing = rows.filter(({ computation }) => computation.since !== null);
  const rate = sum(computing.map((row) => row.cost_rate));
  return {
    cost: sum(rows.map((row) => currentCost(row, now))),
    seconds: sum(rows.map(({ computation }) => elapsedSeconds(computation, now))),
    growth: computing.length === 0 ? null : [computing.length, rate, now],
  };
}

export const ALL: QueryView = {
  search: "",
  status_groups: [],
  filters: {},
  sort: null,
  group: null,
  collapsed: [],
};

class Kernel {
  readonly rows: RowView[];
  readonly chosen = new Set<string>();
  query = ALL;
  matching: RowView[] = [];
  lines: LineView[] = [];
  #version = 0;
  #choices = 0;

  constructor(rows: RowView[]) {
    this.rows = rows;
  }

  ask(
    query: QueryView,
  ): Pick<TaskListTraits, "first_rows" | "query_result" | "aggregates" | "selection"> {
    this.query = query;
    const filters = Object.entries(query.filters) as [ColumnKey, FilterView][];
    const shown = this.rows.filter(
      (row) =>
        (query.search === "" || isFound(row, query.search)) &&
        filters.every(([key, filter]) => passes(row, key, filter)),
    );
    this.matching = shown.filter(
      (row) => query.status_groups.length === 0 || query.status_groups.includes(row.status_group),
    );
    const { sort } = query;
    if (sort !== null) {
      const sign = sort.descending ? -1 : 1;
      this.matching.sort((a, b) => {
        const [x, y] = [columnOf(a, sort.key), columnOf(b, sort.key)];
        if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
        return x < y ? -sign : x > y ? sign : 0;
      });
    }
    this.lines = this.#grouped();
    this.#version += 1;
    const times = this.matching.flatMap(({ marks }) => marks.filter((mark) => mark !== null));
    return {
      first_rows: this.lines.slice(0, 24),
      query_result: {
        version: this.#version,
        query,
        tasks: this.matching.length,
        lines: this.lines.length,
        first: times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b)),
        last: times.length === 0 ? null : times.reduce((a, b) => Math.max(a, b)),
        code: "inductiva.tasks.get_all()",
      },
      aggregates: {
        counts: countsOf(shown),
        ...sumsOf(this.matching),
      },
      selection: this.selection(),
    };
  }

  #grouped(): LineView[] {
    const { group: key, collapsed } = this.query;
    if (key === null) return this.matching;
    const groups = new Map<string | null, RowView[]>();
    for (const row of this.matching) {
      const label = columnOf(row, key) as string | null;
      const known = groups.get(label);
      if (known === undefined) groups.set(label, [row]);
      else known.push(row);
    }
    return [...groups].flatMap(([label, rows]): LineView[] => {
      const group = label === null ? "" : `=${label}`;
      const isOpen = !collapsed.includes(group);
      const head = {
        group,
        label,
        is_open: isOpen,
        tasks: rows.length,
        counts: countsOf(rows),
        ...sumsOf(rows),
      };
      return isOpen ? [head, ...rows] : [head];
    });
  }

  select(rows: RowView[], on: boolean): SelectionView {
    for (const { id } of rows) {
      if (on) this.chosen.add(id);
      else this.chosen.delete(id);
    }
    this.#choices += 1;
    return this.selection();
  }

  selection(): SelectionView {
    const chosen = this.rows.filter(({ id }) => this.chosen.has(id));
    const shown = this.matching.filter(({ id }) => this.chosen.has(id)).length;
    return {
      version: this.#choices,
      tasks: chosen.length,
      hidden: chosen.length - shown,
      can_kill: chosen.filter((row) => row.can_kill).length,
      with_outputs: chosen.filter((row) => row.has_outputs).length,
      cost: sum(chosen.map(({ cost_usd }) => cost_usd)),
    };
  }
}

/** What the kernel would say of these tasks. */
export function compared(rows: RowView[]): ComparisonView {
  const field = (
    name: string,
    group: string,
    kind: ComparedField["kind"],
    values: ComparedField["values"],
  ): ComparedField => {
    const isSame = values.every((value) => value === values[0]);
    return { name, group, kind, meaning: "", values: isSame ? values.slice(0, 1) : values };
  };
  const ofRow = (name: string, group: string, kind: ComparedField["kind"], key: ColumnKey) =>
    field(
      name,
      group,
      kind,
      rows.map((row) => columnOf(row, key)),
    );
  const turns = <T>(...values: T[]) => rows.map((_, index) => values[index % values.length] as T);
  return {
    tasks: rows.map(({ id, status, alias, status_group, simulator }) => ({
      id,
      status,
      alias,
      status_group,
      simulator,
    })),
    fields: [
      ofRow("project", "Task", "text", "project"),
      field("region", "Task", "text", ["europe-west1"]),
      field("container_image", "Task", "text", ["docker://inductiva/kutu:reef3d_v24.12"]),
      field("retries", "Task", "count", turns(0, 0, 1)),
      field("metadata.mesh", "Metadata", "text", turns<string | null>("coarse", "fine", null)),
      field("metadata.wave height [m]", "Metadata", "text", turns("0.5", "1.25")),
      ofRow("machine_type", "Machine", "text", "machine_type"),
      field("provider", "Machine", "text", ["GCP"]),
      field("cpus", "Machine", "count", turns(16, 32, 64)),
      field("memory_bytes", "Machine", "bytes", turns(64e9, 128e9, 256e9)),
      field(
        "commands",
        "Commands",
        "text",
        turns(16, 32, 64).map(
          (np) =>
            `/DIVEMesh/bin/DiveMESH\nmpirun --np ${np} --use-hwthread-cpus /REEF3D/bin/REEF3D`,
        ),
      ),
      field("mpi_processes", "Commands", "count", turns(16, 32, 64)),
      field("parameter.sim_dir", "Commands", "text", ["sim_dir"]),
      ofRow("submitted", "Times", "time", "submitted"),
      ofRow("started", "Times", "time", "started"),
      ofRow("queue_time", "Times", "seconds", "queue_time"),
      ofRow("computation_time", "Times", "seconds", "computation_time"),
      ofRow("total_time", "Times", "seconds", "total_time"),
      ofRow("cost_usd", "Cost", "dollars", "cost_usd"),
      ofRow("output_files", "Data", "count", "output_files"),
      ofRow("output_bytes", "Data", "bytes", "output_bytes"),
    ].filter(({ values }) => values.length > 1 || values[0] !== null),
    as_of: states.now,
    is_live: rows.some((row) => !row.is_terminal),
    code: "df = inductiva.tasks.compare(tasks, details=True)",
  };
}

const isRow = (line: LineView): line is RowView => "id" in line;

/** A list that answers all that its page asks. */
export function listOf(
  rows: RowView[],
  part: Partial<TaskListTraits> = {},
  more: Handlers = {},
  query: Partial<QueryView> = {},
): GalleryModel {
  const kernel = new Kernel(rows);
  const traits: TaskListTraits = {
    kind: "task_list",
    total: rows.length,
    ...kernel.ask({ ...ALL, ...query }),
    columns: [...DEFAULT_COLUMNS],
    column_widths: {},
    mode: "table",
    poll_status: states.feed,
    download: null,
    is_following: false,
    is_demo: false,
    ...part,
  };
  const set = (model: GalleryModel, changed: object) => {
    for (const [key, value] of Object.entries(changed)) model.set(key, value);
  };
  return new GalleryModel(traits, {
    query: ({ query: asked }, model) => {
      set(model, kernel.ask(asked));
      return null;
    },
    rows: ({ start, stop }, model) => {
      const lines = kernel.lines.slice(start, stop);
      const selected = lines.flatMap((line) =>
        isRow(line) && kernel.chosen.has(line.id) ? line.id : [],
      );
      return {
        version: (model.get("query_result") as { version: number }).version,
        start,
        lines,
        selected,
      };
    },
    facet: ({ key }) => {
      const counts = new Map<string | null, number>();
      const numbers: number[] = [];
      for (const row of kernel.rows) {
        const value = columnOf(row, key);
        if (typeof value === "number") numbers.push(value);
        else counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      return {
        values: [...counts]
          .map(([value, count]) => ({ value, count }))
          .sort((a, b) => b.count - a.count),
        more: 0,
        min: numbers.length === 0 ? null : numbers.reduce((a, b) => Math.min(a, b)),
        max: numbers.length === 0 ? null : numbers.reduce((a, b) => Math.max(a, b)),
      };
    },
    select: (what, model) => {
      const picked =
        "ids" in what
          ? kernel.rows.filter(({ id }) => what.ids.includes(id))
          : "start" in what
            ? kernel.lines.slice(what.start, what.stop).filter(isRow)
            : what.on
              ? kernel.matching
              : kernel.rows;
      const selection = kernel.select(picked, what.on);
      model.set("selection", selection);
      return selection;
    },
    follow: ({ on }, model) => {
      model.set("is_following", on);
      return null;
    },
    compare: () => compared(kernel.rows.filter(({ id }) => kernel.chosen.has(id))),
    kill_selected: () => ({ tasks: kernel.selection().can_kill }),
    download_selected: (_, model) => {
      model.set("download", states.severalDownload);
      return null;
    },
    ...more,
  });
}
