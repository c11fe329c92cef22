import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import {
  DEFAULT_COLUMNS,
  type GroupView,
  type LineView,
  type QueryResultView,
  type QueryView,
  type RowView,
  type SelectionView,
} from "../src/contract";
import {
  byRole,
  click,
  closeAll,
  done,
  FakeHost,
  feed,
  isTicking,
  later,
  NOW,
  one,
  oops,
  press,
  show,
  task,
} from "./host";

afterEach(closeAll);

const row = (index: number): RowView =>
  index === 0 ? task({ id: "id-0" }) : done({ id: `id-${index}` });
const rows = (start: number, stop: number) =>
  Array.from({ length: stop - start }, (_, i) => row(start + i));
const ALL: QueryView = {
  search: "",
  status_groups: [],
  filters: {},
  sort: null,
  group: null,
  collapsed: [],
};
const result = (lines: number, part: Partial<QueryResultView> = {}): QueryResultView => ({
  version: 1,
  query: ALL,
  tasks: lines,
  lines,
  first: NOW - 343_000,
  last: NOW,
  code: "inductiva.tasks.get_all()",
  ...part,
});
const none: SelectionView = {
  version: 0,
  tasks: 0,
  hidden: 0,
  can_kill: 0,
  with_outputs: 0,
  cost: null,
};
const list = (total: number, traits: object = {}) =>
  new FakeHost({
    kind: "task_list",
    total,
    first_rows: rows(0, Math.min(total, 24)),
    query_result: result(total),
    aggregates: { counts: { run: 1, ok: total - 1 }, cost: 312.4, seconds: 148_320, growth: null },
    selection: none,
    columns: [...DEFAULT_COLUMNS],
    column_widths: {},
    mode: "table",
    poll_status: feed(),
    download: null,
    is_following: false,
    is_demo: false,
    ...traits,
  });
const group = (part: Partial<GroupView> = {}): GroupView => ({
  group: "=reef3d",
  label: "reef3d",
  is_open: true,
  tasks: 2,
  counts: { ok: 2 },
  cost: 1.5,
  seconds: 20,
  growth: null,
  ...part,
});
/** An answer of the kernel to a request of rows. */
const page = (start: number, found: LineView[], version = 1, selected: string[] = []) => ({
  version,
  start,
  lines: found,
  selected,
});
const asked = (model: FakeHost) => model.requests("query").at(-1)?.query as QueryView;
const box = (el: Element, id: string) =>
  one(el, "checkbox", `Select task ${id}`) as HTMLInputElement;
const lines = (el: Element) =>
  byRole(el, "row").filter((node) => node.className.split(" ").includes("iw-row"));
const line = (el: Element, id: string) => {
  const found = lines(el).find((node) => node.textContent?.includes(id));
  if (found === undefined) throw new Error(`no line of ${id}`);
  return found;
};
async function scroll(el: Element, top: number): Promise<void> {
  const box = el.querySelector(".iw-tasks") as HTMLElement;
  await act(async () => {
    box.scrollTop = top;
    box.dispatchEvent(new Event("scroll"));
  });
}

function attached(): HTMLElement {
  const el = document.createElement("div");
  document.body.append(el);
  return el;
}
async function type(field: HTMLInputElement, text: string): Promise<void> {
  await act(async () => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
async function change(field: HTMLInputElement, text: string): Promise<void> {
  await act(async () => {
    field.value = text;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

describe("the list", () => {
  it("paints its first rows before anything is answered", async () => {
    const model = list(8);
    const { el } = await show(model);
    expect(lines(el)).toHaveLength(9);
    expect(byRole(el, "columnheader").map((head) => head.textContent)).toEqual([
      "",
      "Status",
      "Simulator",
      "ID",
      "Submitted",
      "Started",
      "Computation",
      "Phases",
      "Resource type",
      "Cost",
      "Actions",
    ]);
    const text = line(el, "id-0").textContent ?? "";
    for (const part of ["In Progress", "reef3d", "0:04:37", "c2d-standard-16", "$0.31", "Kill"]) {
      expect(text).toContain(part);
    }
  });
  it("counts what runs", async () => {
    const { el } = await show(list(3));
    await later(2000);
    expect(line(el, "id-0").textContent).toContain("0:04:39");
  });
  it("is friendly when empty", async () => {
    const { el } = await show(
      list(0, { aggregates: { counts: {}, cost: null, seconds: 0, growth: null } }),
    );
    expect(el.textContent).toContain("No tasks here yet");
    expect(byRole(el, "grid")).toHaveLength(0);
  });
  it("tells totals, kinds and whether it is a demo", async () => {
    const { el } = await show(
      list(100_000, {
        is_demo: true,
        aggregates: { counts: { ok: 99_998, sparkling: 2 }, cost: 1, seconds: 0, growth: null },
      }),
    );
    expect(el.textContent).toContain("100,000 tasks");
    expect(el.textContent).toContain("Success 99,998");
    expect(el.textContent).toContain("Other 2");
    expect(el.textContent).toContain("DEMO");
  });
  it("draws few of many rows, and asks for the page that is looked at", async () => {
    const model = list(100_000);
    const { el } = await show(model);
    expect(lines(el).length).toBeLessThan(30);
    await model.reply("rows", page(0, rows(0, 50)));
    await scroll(el, 50_010 * 32);
    expect(model.requests("rows").at(-1)).toMatchObject({ start: 50_000, stop: 50_050 });
    expect(byRole(el, "row").some((node) => node.getAttribute("aria-busy") === "true")).toBe(true);
    await model.reply("rows", page(50_000, rows(50_000, 50_050)));
    expect(line(el, "id-50010").getAttribute("aria-rowindex")).toBe("50012");
    expect(byRole(el, "row").some((node) => node.getAttribute("aria-busy") === "true")).toBe(false);
  });
  it("after a long scroll asks only for what is looked at then", async () => {
    const model = list(100_000);
    const { el } = await show(model);
    await model.reply("rows", page(0, rows(0, 50)));
    for (const index of [10_010, 20_010, 30_010]) await scroll(el, index * 32);
    expect(model.requests("rows")).toHaveLength(2);
    await model.reply("rows", page(10_000, rows(10_000, 10_050)));
    expect(model.requests("rows").map(({ start }) => start)).toEqual([0, 10_000, 30_000]);
  });
  it("says when rows cannot be had, and tries again when told to", async () => {
    const model = list(1000);
    const { el } = await show(model);
    await scroll(el, 510 * 32);
    await model.refuse("rows", oops);
    expect(one(el, "alert").textContent).toContain("It was refused.");
    expect(model.requests("rows")).toHaveLength(1);
    await click(one(el, "button", "Try again"));
    expect(model.requests("rows")).toHaveLength(2);
  });
  it("asks how its first rows stand, news of which may have come before it was there", async () => {
    const model = list(8);
    const { el } = await show(model);
    await model.reply("rows", page(0, [done({ id: "id-0", alias: "Killed" }), ...rows(1, 8)]));
    expect(one(line(el, "id-0"), "status").textContent).toBe("Killed");
    expect(model.requests("rows")).toHaveLength(1);
  });
  it("asks nothing of tasks that have all ended", async () => {
    const model = list(2, { first_rows: [done({ id: "id-0" }), done({ id: "id-1" })] });
    await show(model);
    expect(model.sent).toHaveLength(0);
  });
  it("takes news of its rows", async () => {
    const model = list(8);
    const { el } = await show(model);
    await act(async () =>
      model.message({ push: "rows", rows: [done({ id: "id-0", alias: "Killed" })] }),
    );
    expect(one(line(el, "id-0"), "status").textContent).toBe("Killed");
    expect(byRole(line(el, "id-0"), "button", "Kill")).toHaveLength(0);
  });
  it("starts over when it becomes another list", async () => {
    const model = list(8);
    const { el } = await show(model);
    await act(async () => {
      model.set("total", 2);
      model.set("first_rows", [done({ id: "new-1" }), done({ id: "new-2" })]);
      model.set("query_result", result(2, { version: 2 }));
    });
    expect(lines(el)).toHaveLength(3);
    line(el, "new-2");
  });
  it("leaves nothing behind", async () => {
    const model = list(100_000);
    const { el, cleanup } = await show(model);
    await scroll(el, 50_010 * 32);
    await act(async () => cleanup());
    await model.reply("rows", page(50_000, rows(50_000, 50_050)));
    expect(model.listeners).toBe(0);
    expect(el.childNodes).toHaveLength(0);
  });
});

describe("an open row", () => {
  const open = async (model: FakeHost, id = "id-1") => {
    const { el, cleanup } = await show(model);
    await click(one(el, "button", `Show task ${id}`));
    return { el, cleanup };
  };

  it("shows its card at once, and more when the kernel answers", async () => {
    const model = list(8);
    const { el } = await open(model);
    expect(model.requests("open")[0]).toMatchObject({ task_id: "id-1" });
    expect(one(el, "button", "Show task id-1").getAttribute("aria-expanded")).toBe("true");
    one(el, "region", "Task id-1");
    const view = done({ id: "id-1", meaning: "m", project: "flood" });
    await model.reply("open", { view, download: null });
    expect(one(el, "region", "Task id-1").textContent).toContain("flood");
    await act(async () => model.message({ push: "card", view: { ...view, project: "storm" } }));
    expect(one(el, "region", "Task id-1").textContent).toContain("storm");
  });
  it("stands under its line", async () => {
    const { el } = await open(list(8));
    const all = byRole(el, "row").map(
      (node) => node.getAttribute("aria-label") ?? node.textContent ?? "",
    );
    const at = all.indexOf("Opened task");
    expect(all[at - 1]).toContain("id-1");
    expect(all[at + 1]).toContain("id-2");
  });
  it("folds, and the kernel is told", async () => {
    const model = list(8);
    const { el } = await open(model);
    await click(line(el, "id-1"));
    expect(byRole(el, "region")).toHaveLength(0);
    expect(model.requests("close")[0]).toMatchObject({ task_id: "id-1" });
  });
  it("leaves others open, so that nothing moves under the pointer", async () => {
    const model = list(8);
    const { el } = await open(model);
    await click(line(el, "id-5"));
    expect(byRole(el, "region").map((node) => node.getAttribute("aria-label"))).toEqual([
      "Task id-1",
      "Task id-5",
    ]);
  });
  it("is closed with the view", async () => {
    const model = list(8);
    const { cleanup } = await open(model);
    await act(async () => cleanup());
    expect(model.requests("close")).toHaveLength(1);
    expect(model.listeners).toBe(0);
  });
  it("says why it cannot be opened", async () => {
    const model = list(8);
    const { el } = await open(model);
    await model.refuse("open", oops);
    expect(one(one(el, "region"), "alert").textContent).toContain("It was refused.");
  });
  it("follows a download", async () => {
    const model = list(8);
    const { el } = await open(model);
    const download = {
      phase: "running",
      bytes_done: 1,
      bytes_total: 2,
      files_done: 0,
      files_total: 1,
      speed: null,
      eta: null,
      files: [],
      path: null,
      error: null,
    };
    await model.reply("open", { view: done({ id: "id-1" }), download });
    expect(one(one(el, "region"), "progressbar").getAttribute("aria-valuenow")).toBe("50");
    await act(async () =>
      model.message({
        push: "download",
        task_id: "id-1",
        download: { ...download, bytes_done: 2 },
      }),
    );
    expect(one(one(el, "region"), "progressbar").getAttribute("aria-valuenow")).toBe("100");
  });
});

describe("a line", () => {
  it("kills after asking, without opening", async () => {
    const model = list(8);
    const { el } = await show(model);
    await click(one(line(el, "id-0"), "button", "Kill"));
    await click(one(line(el, "id-0"), "button", "Confirm kill"));
    expect(model.requests("kill").map(({ task_id }) => task_id)).toEqual(["id-0"]);
    expect(line(el, "id-0").textContent).toContain("stopping…");
    await model.refuse("kill", oops);
    expect(one(el, "alert").textContent).toContain("Task id-0: It was refused.");
    one(line(el, "id-0"), "button", "Kill");
    await click(one(el, "button", "Dismiss"));
    expect(byRole(el, "alert")).toHaveLength(0);
  });
  it("starts over when the kill fails after it was accepted", async () => {
    const model = list(8);
    const { el } = await show(model);
    await click(one(line(el, "id-0"), "button", "Kill"));
    await click(one(line(el, "id-0"), "button", "Confirm kill"));
    await model.reply("kill", null);
    await act(async () => model.message({ push: "error", task_id: "id-0", error: oops }));
    one(line(el, "id-0"), "button", "Kill");
  });
  it("offers no download where there is no output", async () => {
    const { el } = await show(list(8));
    expect(byRole(line(el, "id-0"), "button", "Download outputs")).toHaveLength(0);
    expect(byRole(line(el, "id-2"), "button", "Download outputs")).toHaveLength(1);
  });
  it("downloads, and shows how far it is", async () => {
    const model = list(8);
    const { el } = await show(model);
    await click(one(line(el, "id-2"), "button", "Download outputs"));
    expect(model.requests("download")[0]).toMatchObject({ task_id: "id-2", names: null });
    await model.reply("download", null);
    const download = {
      phase: "running",
      bytes_done: 1,
      bytes_total: 4,
      files_done: 0,
      files_total: 1,
      speed: null,
      eta: null,
      files: [],
      path: null,
      error: null,
    };
    await act(async () => model.message({ push: "download", task_id: "id-2", download }));
    expect(one(line(el, "id-2"), "progressbar").getAttribute("aria-valuenow")).toBe("25");
  });
  it("does not count on from a saved notebook", async () => {
    const { el } = await show(list(3, { poll_status: feed({ updated: NOW - 61_000 }) }));
    expect(line(el, "id-0").textContent).toContain("0:03:36");
    expect(el.textContent).toContain("last known state");
    expect(isTicking()).toBe(false);
  });
});

describe("what is shown", () => {
  it("is searched for after a rest, and no longer with Escape", async () => {
    const model = list(8);
    const { el } = await show(model);
    const field = one(el, "searchbox", "Search tasks") as HTMLInputElement;
    await type(field, "re");
    await later(100);
    await type(field, "reef");
    await later(149);
    expect(model.requests("query")).toHaveLength(0);
    await later(1);
    expect(model.requests("query").map(({ query }) => (query as QueryView).search)).toEqual([
      "reef",
    ]);
    await press(field, "Escape");
    await later(150);
    expect(asked(model).search).toBe("");
    expect(field.value).toBe("");
  });
  it("is searched with a slash from anywhere, but not from a field", async () => {
    const el = attached();
    await show(list(8), el);
    const row = line(el, "id-3");
    row.focus();
    await press(row, "/");
    expect(document.activeElement).toBe(one(el, "searchbox", "Search tasks"));
  });
  it("is chosen by status, one or several", async () => {
    const model = list(8);
    const { el } = await show(model);
    const all = one(el, "button", "All 8");
    expect(all.getAttribute("aria-pressed")).toBe("true");
    await click(one(el, "button", "Running 1"));
    expect(one(el, "button", "Running 1").getAttribute("aria-pressed")).toBe("true");
    await click(one(el, "button", "Success 7"));
    expect(asked(model).status_groups).toEqual(["run", "ok"]);
    await click(one(el, "button", "Running 1"));
    expect(asked(model).status_groups).toEqual(["ok"]);
    await click(one(el, "button", "All 8"));
    expect(asked(model).status_groups).toEqual([]);
  });
  it("is sorted: a number from the largest, a name from A, then as the list is", async () => {
    const model = list(8);
    const { el } = await show(model);
    const head = (title: string) =>
      byRole(el, "columnheader").find(({ textContent }) => textContent === title) as HTMLElement;
    const sort = async (title: string) => {
      await click(one(head(title), "button", title));
      return [asked(model).sort, head(title).getAttribute("aria-sort")];
    };
    expect(await sort("Cost")).toEqual([{ key: "cost_usd", descending: true }, "descending"]);
    expect(await sort("Cost")).toEqual([{ key: "cost_usd", descending: false }, "ascending"]);
    expect(await sort("Cost")).toEqual([null, "none"]);
    expect(await sort("Simulator")).toEqual([{ key: "simulator", descending: false }, "ascending"]);
  });
  it("is grouped, and its groups fold", async () => {
    const head = [group(), row(1), row(2), group({ group: "", label: null, is_open: false })];
    const model = list(4, {
      first_rows: head,
      query_result: result(4, { query: { ...ALL, group: "simulator" } }),
    });
    const { el } = await show(model);
    const fold = one(el, "button", "Group reef3d");
    expect(fold.getAttribute("aria-expanded")).toBe("true");
    expect(lines(el)[1]?.textContent).toContain("2 tasks");
    expect(one(el, "button", "Group Not known").getAttribute("aria-expanded")).toBe("false");
    await click(fold);
    expect(asked(model).collapsed).toEqual(["=reef3d"]);
    const select = el.getElementsByTagName("select")[0] as HTMLSelectElement;
    expect(select.value).toBe("simulator");
  });
  it("falls back to what the kernel shows when it is refused", async () => {
    const model = list(8);
    const { el } = await show(model);
    await click(one(el, "button", "Running 1"));
    await model.refuse("query", oops);
    expect(one(el, "button", "Running 1").getAttribute("aria-pressed")).toBe("false");
    expect(one(el, "alert").textContent).toContain("It was refused.");
  });
  it("can be nothing, and then be cleared", async () => {
    const query = { ...ALL, search: "xyz" };
    const model = list(8, { first_rows: [], query_result: result(0, { query }) });
    const { el } = await show(model);
    expect(el.textContent).toContain("No tasks match.");
    expect(el.textContent).toContain("0 of 8 tasks");
    await click(one(el, "button", "Clear filters"));
    expect(asked(model)).toEqual(ALL);
  });
  it("is summed up", async () => {
    const { el } = await show(list(100_000, { query_result: result(1204) }));
    expect(el.textContent).toContain("1,204 of 100,000 tasks · $312.40 · 1 d 17 h computed");
  });
  it.each([
    ["as its line while it runs", [1, 0, NOW], "22 s computed"],
    ["as its line after the end", null, "23 s computed"],
  ])("says of one task the same time %s", async (_, growth, said) => {
    const aggregates = { counts: { run: 1 }, cost: null, seconds: 22.6, growth };
    const { el } = await show(list(1, { aggregates }));
    expect(el.textContent).toContain(said);
  });
  it("counts cost and time of what is computing on, as the rows do", async () => {
    const growth = [2, 0.5, NOW] as [number, number, number];
    const aggregates = { counts: { run: 2, ok: 1 }, cost: 10, seconds: 100, growth };
    const head = group({ counts: { run: 2 }, tasks: 2, cost: 1, seconds: 20, growth });
    const { el } = await show(list(3, { aggregates, first_rows: [head], query_result: result(1) }));
    await later(3000);
    expect(el.querySelector(".iw-totals")?.textContent).toContain("$11.50 · 1 min 46 s");
    expect(el.querySelector(".iw-group")?.textContent).toContain("$2.5026 s");
  });
  it("follows new tasks when asked to", async () => {
    const model = list(8);
    const { el } = await show(model);
    await click(one(el, "button", "New tasks"));
    expect(model.requests("follow")[0]).toMatchObject({ on: true });
  });
  it("draw a metric, with nothing to sort or filter by", async () => {
    const metric = {
      name: "p",
      last: 2.5e-4,
      non_finite: "" as const,
      points: [[1, 1] as [number, number], [2, 2.5e-4] as [number, number]],
      gaps: [],
      extent: [1, 2] as [number, number],
      is_log: true,
      progress: 0.54,
    };
    const model = list(2, { columns: ["status", "metric"] });
    const { el } = await show(model);
    expect(byRole(el, "img", /^p:/)).toHaveLength(0);
    await act(async () => model.message({ push: "rows", rows: [{ id: "id-0", metric }] }));
    const cell = one(el, "img", "p: last 2.5e-04, 54%").parentElement;
    expect(cell?.textContent).toBe("2.5e-0454%");
    expect(byRole(el, "button", "Metric")).toHaveLength(0);
    expect(byRole(el, "button", "Filter Metric")).toHaveLength(0);
  });
  it("say in a line that a metric is lost", async () => {
    const metric = {
      name: "p",
      last: null,
      non_finite: "nan",
      points: [
        [1, 1],
        [2, null],
      ],
      gaps: [{ kind: "nan", start: 2, end: 9, text: "nan since step 41" }],
      extent: [1, 9],
      is_log: false,
      progress: 0.54,
    };
    const model = list(2, { columns: ["status", "metric"] });
    const { el } = await show(model);
    await act(async () => model.message({ push: "rows", rows: [{ id: "id-0", metric }] }));
    const cell = one(el, "img", "p: last nan since step 41, 54%").parentElement;
    expect(cell?.textContent).toBe("nan54%");
    expect(cell?.querySelector(".iw-spark-gap")).not.toBeNull();
  });
  it("take the metrics of an open card", async () => {
    const model = list(2);
    const { el } = await show(model);
    await click(one(el, "button", "Show task id-0"));
    const log_metrics = {
      source: "SWMM percent",
      series: [],
      samples: 0,
      progress: 0.1,
      ends: null,
      last_output: NOW,
      can_grow: true,
      conditions: [],
      note: "",
      error: null,
    };
    await model.reply("open", { view: task({ id: "id-0" }), log_metrics, download: null });
    expect(one(el, "progressbar", "Simulation").getAttribute("aria-valuenow")).toBe("10");
    const push = {
      push: "log_metrics",
      task_id: "id-0",
      log_metrics: { ...log_metrics, progress: 0.2 },
    };
    await act(async () => model.message(push));
    expect(one(el, "progressbar", "Simulation").getAttribute("aria-valuenow")).toBe("20");
  });
  it("has the columns that the trait says, unknown ones left out", async () => {
    const { el } = await show(list(2, { columns: ["output_bytes", "brand-new", "status"] }));
    expect(byRole(el, "columnheader").map(({ textContent }) => textContent)).toEqual([
      "",
      "Size",
      "Status",
      "Actions",
    ]);
  });
});

describe("filters", () => {
  const open = async (model: FakeHost, name: string) => {
    const el = attached();
    await show(model, el);
    await click(one(el, "button", name));
    return { el, menu: () => one(el, "dialog") };
  };

  it("choose among values that the kernel counts", async () => {
    const model = list(8);
    const { menu } = await open(model, "Filter Simulator");
    expect(model.requests("facet")[0]).toMatchObject({ key: "simulator" });
    await model.reply("facet", {
      values: [
        { value: "reef3d", count: 5 },
        { value: null, count: 3 },
      ],
      more: 0,
      min: null,
      max: null,
    });
    const [first, second] = byRole(menu(), "checkbox");
    await click(first as Element);
    await click(second as Element);
    expect(asked(model).filters).toEqual({ simulator: { values: ["reef3d", null] } });
    await click(first as Element);
    await click(second as Element);
    expect(asked(model).filters).toEqual({});
  });
  it("list statuses below the name and the sum of their chip", async () => {
    const model = list(8);
    const { menu } = await open(model, "Filter Status");
    const values = [
      { value: "failed", count: 40, status_group: "bad" },
      { value: "success", count: 30, status_group: "ok" },
      { value: "ttl-exceeded", count: 43, status_group: "bad" },
    ];
    await model.reply("facet", { values, more: 0, min: null, max: null });
    const items = [...menu().getElementsByTagName("li")].map((item) => item.textContent);
    expect(items).toEqual(["Success 30", "success30", "Failed 83", "failed40", "ttl-exceeded43"]);
  });
  it("bound numbers in the unit that is said", async () => {
    const model = list(8);
    const { menu } = await open(model, "Filter Computation");
    await model.reply("facet", { values: [], more: 0, min: 1, max: 600 });
    expect(menu().textContent).toContain("At least, minutes");
    const [min] = menu().getElementsByTagName("input");
    await change(min as HTMLInputElement, "1.5");
    expect(asked(model).filters).toEqual({ computation_time: { min: 90, max: null } });
  });
  it("stand in a line, each to be taken back", async () => {
    const filters = { simulator: { values: ["reef3d"] }, cost_usd: { min: 1, max: 2 } };
    const model = list(8, { query_result: result(8, { query: { ...ALL, filters } }) });
    const { el } = await show(model);
    await click(one(el, "button", "Clear Simulator: reef3d"));
    expect(asked(model).filters).toEqual({ cost_usd: { min: 1, max: 2 } });
    await click(one(el, "button", "Clear all"));
    expect(asked(model)).toEqual(ALL);
  });
  it("close with Escape, which gives the focus back, and with a click elsewhere", async () => {
    const { el, menu } = await open(list(8), "Filter Cost");
    await press(menu(), "Escape");
    expect(byRole(el, "dialog")).toHaveLength(0);
    expect(document.activeElement).toBe(one(el, "button", "Filter Cost"));
    await click(one(el, "button", "Filter Cost"));
    await act(async () => {
      document.body.dispatchEvent(new Event("pointerdown", { bubbles: true }));
    });
    expect(byRole(el, "dialog")).toHaveLength(0);
  });
  it("are beside a menu of the columns, which are shown, hidden and moved", async () => {
    const model = list(8, { columns: ["status", "task_id"] });
    const { menu } = await open(model, "Columns");
    await click(one(menu(), "button", "Move ID up"));
    expect(model.get("columns")).toEqual(["task_id", "status"]);
    await click(byRole(menu(), "checkbox")[2] as Element);
    expect(model.get("columns")).toEqual(["task_id", "status", "simulator"]);
    await click(one(menu(), "button", "Reset"));
    expect(model.get("columns")).toContain("cost_usd");
  });
});

describe("lines that have moved", () => {
  it("are asked for again when an answer is about an older order", async () => {
    const model = list(1000);
    const { el } = await show(model);
    await scroll(el, 510 * 32);
    await act(async () => {
      model.set("first_rows", rows(0, 24).reverse());
      model.set("query_result", result(1000, { version: 2 }));
    });
    await model.reply("rows", page(500, rows(500, 550), 1));
    expect(lines(el).some(({ textContent }) => textContent?.includes("id-510"))).toBe(false);
    expect(model.requests("rows")).toHaveLength(2);
    await model.reply("rows", page(500, rows(600, 650), 2));
    line(el, "id-610");
  });
  it("wait for the traits when an answer overtakes them", async () => {
    const model = list(1000);
    const { el } = await show(model);
    await scroll(el, 510 * 32);
    await model.reply("rows", page(500, rows(600, 650), 2));
    expect(model.requests("rows")).toHaveLength(1);
    await act(async () => model.set("query_result", result(1000, { version: 2 })));
    expect(model.requests("rows")).toHaveLength(2);
  });
  it("show what stood there until the answer is there", async () => {
    const model = list(1000);
    const { el } = await show(model);
    await scroll(el, 510 * 32);
    await model.reply("rows", page(500, rows(500, 550)));
    await act(async () => model.set("query_result", result(1000, { version: 2 })));
    line(el, "id-510");
    await model.reply("rows", page(500, rows(499, 549), 2));
    expect(line(el, "id-510").getAttribute("aria-rowindex")).toBe("513");
  });
  it("take their open card along", async () => {
    const model = list(8);
    const { el } = await show(model);
    await click(one(el, "button", "Show task id-1"));
    await act(async () => {
      model.set("first_rows", [done({ id: "new" }), ...rows(0, 8)]);
      model.set("query_result", result(9, { version: 2 }));
    });
    const all = byRole(el, "row");
    const at = all.findIndex((node) => node.getAttribute("aria-label") === "Opened task");
    expect(all[at - 1]?.textContent).toContain("id-1");
  });
});

describe("the selection", () => {
  it("is shown at once, and said by the kernel", async () => {
    const model = list(8);
    const { el } = await show(model);
    await model.reply("rows", page(0, rows(0, 8)));
    await click(box(el, "id-2"));
    expect(model.requests("select")[0]).toMatchObject({ ids: ["id-2"], on: true });
    expect(line(el, "id-2").getAttribute("aria-selected")).toBe("true");
    const selection = { ...none, version: 1, tasks: 1, with_outputs: 1, cost: 0.5 };
    await act(async () => model.set("selection", selection));
    await model.reply("select", selection);
    expect(box(el, "id-2").checked).toBe(true);
    expect((one(el, "checkbox", "Select all tasks") as HTMLInputElement).indeterminate).toBe(true);
    expect(one(el, "group", "Selected tasks").textContent).toContain("1 selected");
    // Ours was the only change, so nothing needs to be asked.
    expect(model.requests("rows")).toHaveLength(1);
  });
  it("takes a stretch of lines with Shift", async () => {
    const model = list(8);
    const { el } = await show(model);
    await click(box(el, "id-2"));
    await click(box(el, "id-5"), { shiftKey: true });
    expect(model.requests("select")[1]).toMatchObject({ start: 2, stop: 6, on: true });
    expect(lines(el).filter((node) => node.getAttribute("aria-selected") === "true")).toHaveLength(
      4,
    );
  });
  it("takes all that match, and none", async () => {
    const model = list(8);
    const { el } = await show(model);
    await click(one(el, "checkbox", "Select all tasks"));
    expect(model.requests("select")[0]).toMatchObject({ on: true });
    expect(model.requests("select")[0]).not.toHaveProperty("ids");
    const selection = { ...none, version: 1, tasks: 9, hidden: 1 };
    await act(async () => model.set("selection", selection));
    await model.reply("select", selection);
    expect((one(el, "checkbox", "Select all tasks") as HTMLInputElement).checked).toBe(true);
    expect(one(el, "group", "Selected tasks").textContent).toContain(
      "9 selected (1 hidden by filters)",
    );
    await click(one(el, "button", "Clear"));
    expect(model.requests("select")[1]).toMatchObject({ on: false });
    expect(box(el, "id-1").checked).toBe(false);
  });
  it("is asked for when somebody else has chosen", async () => {
    const model = list(8);
    const { el } = await show(model);
    await act(async () => model.set("selection", { ...none, version: 3, tasks: 1 }));
    expect(model.requests("rows")[0]).toMatchObject({ start: 0, stop: 8 });
    await model.reply("rows", page(0, rows(0, 8), 1, ["id-4"]));
    expect(box(el, "id-4").checked).toBe(true);
    expect(model.requests("rows")).toHaveLength(1);
  });
  it("does not believe an answer that was on its way when it changed", async () => {
    const model = list(8);
    const { el } = await show(model);
    await act(async () => model.set("selection", { ...none, version: 3, tasks: 1 }));
    await click(box(el, "id-2"));
    await model.reply("rows", page(0, rows(0, 8), 1, ["id-4"]));
    expect(box(el, "id-2").checked).toBe(true);
  });
  it("is corrected when it is refused", async () => {
    const model = list(8);
    const { el } = await show(model);
    await click(box(el, "id-2"));
    await model.refuse("select", oops);
    expect(box(el, "id-2").checked).toBe(false);
    expect(one(el, "alert").textContent).toContain("It was refused.");
  });
  it("is killed after asking how many and what for", async () => {
    const selection = { ...none, version: 1, tasks: 5, can_kill: 4, cost: 3.2 };
    const model = list(8, { selection });
    const { el } = await show(model);
    const bar = one(el, "group", "Selected tasks");
    await click(one(bar, "button", "Kill 4…"));
    expect(bar.textContent).toContain("Kill 4 tasks, $3.20 so far?");
    await later(5000);
    await click(one(bar, "button", "Kill 4…"));
    await click(one(bar, "button", "Confirm kill"));
    expect(model.requests("kill_selected")).toHaveLength(1);
    await model.refuse("kill_selected", oops);
    expect(one(el, "alert").textContent).toContain("It was refused.");
    one(bar, "button", "Kill 4…");
  });
  it("is downloaded, and its progress stands in the foot", async () => {
    const model = list(8, { selection: { ...none, version: 1, tasks: 9, with_outputs: 9 } });
    const { el } = await show(model);
    await click(one(el, "button", "Download 9"));
    expect(model.requests("download_selected")).toHaveLength(1);
    const download = {
      phase: "running",
      bytes_done: 1,
      bytes_total: 4,
      files_done: 0,
      files_total: 9,
      speed: null,
      eta: null,
      files: [],
      path: null,
      error: null,
    };
    await act(async () => model.set("download", download));
    expect(one(el, "progressbar", "Download").getAttribute("aria-valuenow")).toBe("25");
    await click(one(el, "button", "Cancel download"));
    expect(model.requests("cancel_download")[0]).not.toHaveProperty("task_id");
  });
});

describe("the keyboard", () => {
  const start = async (model: FakeHost) => {
    const el = attached();
    await show(model, el);
    line(el, "id-0").focus();
    const key = (name: string, more = {}) => press(document.activeElement as Element, name, more);
    const at = () => Number(document.activeElement?.getAttribute("aria-rowindex")) - 2;
    return { el, key, at };
  };

  it("stops at one line only, and goes up and down from there", async () => {
    const { el, key, at } = await start(list(8));
    await key("ArrowDown");
    await key("ArrowDown");
    expect(at()).toBe(2);
    expect(lines(el).filter(({ tabIndex }) => tabIndex === 0).length).toBe(1);
    await key("ArrowUp");
    expect(at()).toBe(1);
    await key("End");
    expect(at()).toBe(7);
    await key("ArrowDown");
    expect(at()).toBe(7);
    await key("Home");
    expect(at()).toBe(0);
  });
  it("reaches the end of many lines, and keeps the focus when their data comes", async () => {
    const model = list(100_000);
    const { el, key, at } = await start(model);
    await key("End");
    expect(at()).toBe(99_999);
    await scroll(el, (100_000 - 12) * 32);
    await model.reply("rows", page(99_950, rows(99_950, 100_000)));
    expect(document.activeElement).toBe(line(el, "id-99999"));
  });
  it("keeps the focus on a line that is scrolled out of sight", async () => {
    const { el, key, at } = await start(list(100_000));
    await key("ArrowDown");
    await scroll(el, 50_000 * 32);
    expect(at()).toBe(1);
    expect(document.activeElement).toBe(line(el, "id-1"));
  });
  it("opens, leaves and closes a card", async () => {
    const { el, key, at } = await start(list(8));
    await key("ArrowDown");
    await key("Enter");
    const card = one(el, "region", "Task id-1");
    const tab = byRole(card, "tab")[0] as HTMLElement;
    tab.focus();
    await key("Escape");
    expect(at()).toBe(1);
    await key("Enter");
    expect(byRole(el, "region")).toHaveLength(0);
  });
  it("leaves the keys in a card to what is in it", async () => {
    const model = list(8);
    const { el, key, at } = await start(model);
    await key("Enter");
    await click(one(el, "tab", /Details/));
    const inner = document.createElement("div");
    inner.setAttribute("role", "row");
    inner.setAttribute("aria-rowindex", "6");
    inner.tabIndex = 0;
    one(el, "region", "Task id-0").append(inner);
    inner.focus();
    await key("ArrowDown");
    expect(document.activeElement).toBe(inner);
    await key("Escape");
    expect(at()).toBe(0);
  });
  it("selects with the space bar, and more with Shift", async () => {
    const model = list(8);
    const { key, at } = await start(model);
    await key(" ");
    expect(model.requests("select")[0]).toMatchObject({ ids: ["id-0"], on: true });
    await key("ArrowDown", { shiftKey: true });
    expect(model.requests("select")[1]).toMatchObject({ start: 0, stop: 2, on: true });
    expect(at()).toBe(1);
  });
  it("folds a group", async () => {
    const model = list(3, { first_rows: [group(), row(1), row(2)] });
    const el = attached();
    await show(model, el);
    const head = lines(el)[1] as HTMLElement;
    head.focus();
    await press(head, "Enter");
    expect(asked(model).collapsed).toEqual(["=reef3d"]);
  });
});

describe("the time line", () => {
  it("is chosen by a trait that the page sets", async () => {
    const model = list(8);
    const { el } = await show(model);
    await click(one(el, "button", "Timeline"));
    expect(model.get("mode")).toBe("timeline");
    expect(byRole(el, "columnheader").map(({ textContent }) => textContent)).toContain("ID");
    expect(one(line(el, "id-0"), "img").getAttribute("aria-label")).toContain("Queue 50 s");
  });
  it("opens cards in place, and zooms", async () => {
    const { el } = await show(list(8, { mode: "timeline" }));
    const fit = one(el, "button", "All time");
    expect(fit.getAttribute("aria-pressed")).toBe("true");
    await click(one(el, "button", "Zoom in"));
    expect(fit.getAttribute("aria-pressed")).toBe("false");
    await click(fit);
    expect(fit.getAttribute("aria-pressed")).toBe("true");
    await click(one(line(el, "id-1"), "img"));
    one(el, "region", "Task id-1");
  });
  it("leads to bars that are out of sight", async () => {
    const { el } = await show(
      list(8, { mode: "timeline", query_result: result(8, { first: NOW - 1e9, last: NOW }) }),
    );
    for (let n = 0; n < 6; n += 1) await click(one(el, "button", "Zoom in"));
    await click(one(el, "button", "Go to the bar of task id-1"));
    one(line(el, "id-1"), "img");
  });
});

describe("before the rest of the code is there", () => {
  const registry = (globalThis as unknown as Record<symbol, unknown>)[
    Symbol.for("inductiva_widgets.")
  ] as { loaded: object; requested: object };
  const { loaded, requested: before } = registry;
  afterEach(() => Object.assign(registry, { loaded, requested: before }));

  it("the first lines are there, counted and up to date, with nothing that could not work", async () => {
    Object.assign(registry, { loaded: {}, requested: { list: new Promise(() => {}) } });
    const model = list(100_000);
    const { el } = await show(model);
    expect(one(el, "table", "Tasks").getAttribute("aria-rowcount")).toBe("100001");
    expect(lines(el)).toHaveLength(25);
    expect(el.textContent).toContain("100,000 tasks");
    expect(el.textContent).toContain("Success 99,999");
    const buttons = byRole(el, "button") as HTMLButtonElement[];
    expect(buttons.every(({ disabled }) => disabled)).toBe(true);
    expect(model.sent).toHaveLength(0);
  });
  it("it says why the rest does not come, and asks again when told to", async () => {
    Object.assign(registry, {
      loaded: {},
      requested: { list: Promise.reject(new Error("no way")) },
    });
    const { el } = await show(list(8));
    await act(async () => {});
    expect(one(el, "alert").textContent).toContain("no way");
    Object.assign(registry, {
      requested: { list: Promise.resolve((loaded as { list: object }).list) },
    });
    await click(one(el, "button", "Try again"));
    await act(async () => {});
    expect(byRole(el, "grid")).toHaveLength(1);
  });
});
