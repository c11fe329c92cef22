import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type {
  ComparedField,
  ComparedTask,
  ComparisonView,
  RowView,
  SelectionView,
} from "../src/contract";
import { SELECTION_DEBOUNCE_MS } from "../src/panels/Compare";
import {
  formatExact,
  formatRelative,
  formatValue,
  grouped,
  nameOf,
  ranks,
} from "../src/panels/comparison";
import {
  byRole,
  click,
  closeAll,
  done,
  FakeHost,
  feed,
  later,
  NOW,
  one,
  oops,
  press,
  show,
} from "./host";

afterEach(closeAll);

const field = (part: Partial<ComparedField>): ComparedField => ({
  name: "computation_time",
  meaning: "run of the simulator",
  group: "Times",
  kind: "seconds",
  values: [],
  ...part,
});
const ended = (id: string, part: Partial<ComparedTask> = {}): ComparedTask => ({
  id,
  status: "success",
  alias: "Success",
  status_group: "ok",
  simulator: "reef3d",
  ...part,
});
const two = [ended("x"), ended("y")];
const three = ["id-0", "id-1", "id-2"].map((id) => ended(id));

describe("what is said of a field", () => {
  it.each([
    ["queue_time", "Queue time"],
    ["cost_usd", "Cost"],
    ["output_archive_bytes", "Output archive size"],
    ["memory_bytes", "Memory"],
    ["cpus", "CPUs"],
    ["mpi_processes", "MPI processes"],
    ["metadata.wave_height [m]", "wave_height [m]"],
    ["metadata.metadata.x", "metadata.x"],
    ["parameter.sim_dir", "sim_dir"],
  ])("calls %s %s", (column, name) => expect(nameOf(column)).toBe(name));

  it("writes values as the rest of the widget does", () => {
    expect(formatValue("seconds", 84)).toBe("1 min 24 s");
    expect(formatValue("dollars", 0.00012)).toBe("$0.00012");
    expect(formatValue("bytes", 3_000_000)).toBe("2.86 MiB");
    expect(formatValue("count", 12_345)).toBe("12,345");
    expect(formatValue("time", Date.parse("2026-02-01T17:16:17"))).toBe("01 Feb, 17:16:17");
    expect(formatValue("text", "a")).toBe("a");
    expect(formatValue("dollars", null)).toBe("n/a");
  });

  it("tells the number itself where the text is rounded", () => {
    expect(formatExact("seconds", 10.2134)).toBe("10.2134 s");
    expect(formatExact("bytes", 3_000_001)).toBe("3000001 B");
    expect(formatExact("text", "a")).toBeUndefined();
    expect(formatExact("seconds", null)).toBeUndefined();
  });

  it.each([
    [10, 10, ""],
    [10, 11.2, "+12%"],
    [10, 10.55, "+5.5%"],
    [10, 5.6, "−44%"],
    [10, 10.001, "+<0.1%"],
    [10, 25, "×2.5"],
    [10, 20, "×2"],
    [1, 1234.4, "×1,234"],
    [10, 5, "×0.50"],
    [1000, 1, "<×0.01"],
    [0, 5, ""],
    [null, 5, ""],
    [5, null, ""],
  ])("compares with the first: %s and %s give '%s'", (first, value, said) =>
    expect(formatRelative(field({ values: [first, value] }), value)).toBe(said),
  );

  it("compares no points in time, exit codes or texts", () => {
    expect(formatRelative(field({ kind: "time", values: [1, 2] }), 2)).toBe("");
    expect(formatRelative(field({ name: "exit_code", kind: "count", values: [1, 2] }), 2)).toBe("");
    expect(formatRelative(field({ kind: "text", values: ["1", "2"] }), "2")).toBe("");
  });

  it("ranks tasks that ended well, and no others", () => {
    const tasks = [ended("a"), ended("b"), ended("c", { status_group: "bad" }), ended("d")];
    const found = ranks(field({ values: [20, 10, 1, null] }), tasks);
    expect([...found]).toEqual([
      [0, { isBest: false, word: "longest" }],
      [1, { isBest: true, word: "shortest" }],
    ]);
  });

  it("ranks nothing where less is not better, where all are equal, where one is alone", () => {
    expect(ranks(field({ name: "output_bytes", values: [1, 2, 3] }), three).size).toBe(0);
    expect(ranks(field({ values: [2, 2, null] }), three).size).toBe(0);
    expect(ranks(field({ values: [2, null, null] }), three).size).toBe(0);
    expect(ranks(field({ values: [null, null, null] }), three).size).toBe(0);
  });

  it("puts fields under their groups in order", () => {
    const fields = ["Task", "Times", "Times"].map((group, i) => field({ group, name: `f${i}` }));
    expect(grouped(fields).map(([group, members]) => [group, members.length])).toEqual([
      ["Task", 1],
      ["Times", 2],
    ]);
  });
});

const row = (index: number): RowView => done({ id: `id-${index}` });
const selection = (tasks: number, version = 1): SelectionView => ({
  version,
  tasks,
  hidden: 0,
  can_kill: 0,
  with_outputs: 0,
  cost: null,
});
const list = (chosen: number) =>
  new FakeHost({
    kind: "task_list",
    total: 8,
    first_rows: Array.from({ length: 8 }, (_, index) => row(index)),
    query_result: {
      version: 1,
      query: { search: "", status_groups: [], filters: {}, sort: null, group: null, collapsed: [] },
      tasks: 8,
      lines: 8,
      first: NOW - 343_000,
      last: NOW,
      code: "",
    },
    aggregates: { counts: { ok: 8 }, cost: null, seconds: 0, growth: null },
    selection: selection(chosen),
    columns: ["status", "task_id"],
    mode: "table",
    poll_status: feed(),
    download: null,
    is_following: false,
    is_demo: false,
  });
const view = (part: Partial<ComparisonView> = {}): ComparisonView => ({
  tasks: [
    ended("id-0"),
    ended("id-1"),
    ended("elsewhere", { status_group: "bad", alias: "Failed" }),
  ],
  fields: [
    field({ name: "region", group: "Task", kind: "text", values: ["europe-west1"] }),
    field({ values: [20, 10, 1] }),
    field({ name: "cost_usd", group: "Cost", kind: "dollars", values: [0.5, 1.5, null] }),
  ],
  as_of: NOW,
  is_live: false,
  code: "df = inductiva.tasks.compare(tasks, details=True)",
  ...part,
});
const panel = (el: Element) => one(el, "region", "Comparison");
const texts = (el: Element, selector: string) =>
  [...el.querySelectorAll(selector)].map((node) => node.textContent);

async function opened(part: Partial<ComparisonView> = {}) {
  const model = list(3);
  const el = document.createElement("div");
  document.body.append(el);
  await show(model, el);
  await vi.waitFor(() => one(el, "button", "Compare"));
  await click(one(el, "button", "Compare"));
  await model.reply("compare", view(part));
  return { model, el };
}

describe("the comparison in the table", () => {
  beforeEach(() => document.body.replaceChildren());

  it.each([
    [1, /two tasks or more/],
    [21, /Up to 20/],
  ])("is not offered for %i tasks, and says why", async (count, why) => {
    const { el } = await show(list(count));
    await vi.waitFor(() => one(el, "button", "Compare"));
    const button = one(el, "button", "Compare") as HTMLButtonElement;
    expect(button.disabled).toBe(true);
    expect(button.title).toMatch(why);
  });

  it("shows tasks as columns and what differs as lines, group by group", async () => {
    const { el } = await opened();
    const sheet = panel(el);
    expect(texts(sheet, "thead th")).toHaveLength(3);
    expect(texts(sheet, "tbody th[scope=row]")).toEqual(["Computation time", "Cost"]);
    expect(texts(sheet, "tbody th[scope=rowgroup]")).toEqual(["Times", "Cost"]);
    const cells = texts(sheet, "tbody td");
    expect(cells).toHaveLength(6);
    expect(cells[1]).toContain("10 s");
    expect(cells[5]).toBe("n/a");
    expect(sheet.textContent).toContain("2 fields differ, 1 the same");
  });

  it("names the best and the worst in words", async () => {
    const { el } = await opened();
    const cells = texts(panel(el), "tbody td");
    expect(cells[0]).toMatch(/longest/);
    expect(cells[1]).toMatch(/shortest/);
    expect(cells[2]).not.toMatch(/est/);
  });

  it("shows what is the same when asked to", async () => {
    const { el } = await opened();
    const toggle = one(el, "button", "Show what is the same");
    await click(toggle);
    expect(toggle.getAttribute("aria-pressed")).toBe("true");
    expect(texts(panel(el), "tbody th[scope=row]")).toEqual(["Region", "Computation time", "Cost"]);
    const same = panel(el).querySelector("td[colspan]") as HTMLTableCellElement;
    expect([same.textContent, same.colSpan]).toEqual(["europe-west1", 3]);
  });

  it("says so where nothing differs", async () => {
    const { el } = await opened({ fields: [field({ values: [1] })] });
    expect(panel(el).textContent).toContain("these tasks are the same");
  });

  it("takes the focus, and gives it back when it is closed by Escape or by its button", async () => {
    const { el } = await opened();
    expect(document.activeElement).toBe(panel(el));
    await press(one(el, "button", "Show what is the same"), "Escape");
    expect(byRole(el, "region", "Comparison")).toHaveLength(0);
    expect(document.activeElement).toBe(one(el, "button", "Compare"));
    await click(one(el, "button", "Compare"));
    await click(one(el, "button", "Close the comparison"));
    expect(byRole(el, "region", "Comparison")).toHaveLength(0);
    expect(document.activeElement).toBe(one(el, "button", "Compare"));
  });

  it("opens the card of a task that has a line, and only names the others", async () => {
    const { model, el } = await opened();
    expect(byRole(el, "button", /card of task/)).toHaveLength(2);
    await click(one(el, "button", "Show the card of task id-1"));
    expect(model.requests("open").map(({ task_id }) => task_id)).toEqual(["id-1"]);
    await click(one(el, "button", "Show the card of task id-1"));
    expect(model.requests("open")).toHaveLength(1);
    expect(model.requests("close")).toHaveLength(0);
  });

  it("compares another selection anew, once it rests", async () => {
    const { model, el } = await opened();
    for (const version of [2, 3, 4]) {
      await act(async () => model.set("selection", selection(2, version)));
      await later(SELECTION_DEBOUNCE_MS - 1);
    }
    expect(model.requests("compare")).toHaveLength(1);
    await later(1);
    expect(model.requests("compare")).toHaveLength(2);
    await model.reply("compare", view({ tasks: two, fields: [field({ values: [1, 2] })] }));
    expect(panel(el).textContent).toContain("2 tasks compared");
  });

  it("shows no late answer to an earlier choice", async () => {
    const { model, el } = await opened();
    for (const version of [2, 3]) {
      await act(async () => model.set("selection", selection(2, version)));
      await later(SELECTION_DEBOUNCE_MS);
    }
    const [, earlier, latest] = model.requests("compare");
    const result = view({ tasks: two, fields: [field({ values: [1, 2] })] });
    await act(async () => model.message({ id: latest?.id, ok: true, result }));
    await act(async () => model.message({ id: earlier?.id, ok: true, result: view() }));
    expect(panel(el).textContent).toContain("2 tasks compared");
  });

  it("offers a fresh look at living tasks, and keeps what is shown until it is there", async () => {
    const { model, el } = await opened({ is_live: true });
    expect(panel(el).textContent).toMatch(/as of \d\d:16:17/);
    await click(one(el, "button", "Refresh"));
    expect(model.requests("compare")).toHaveLength(2);
    expect(panel(el).getAttribute("aria-busy")).toBe("true");
    expect(texts(panel(el), "tbody td")).toHaveLength(6);
  });

  it("offers none where nothing changes any more", async () => {
    const { el } = await opened();
    expect(byRole(el, "button", "Refresh")).toHaveLength(0);
  });

  it("tells what went wrong, and tries again", async () => {
    const { model, el } = await opened({ is_live: true });
    await click(one(el, "button", "Refresh"));
    await model.refuse("compare", oops);
    expect(one(panel(el), "alert").textContent).toContain(oops.title);
    await click(one(el, "button", "Try again"));
    await model.reply("compare", view());
    expect(byRole(panel(el), "alert")).toHaveLength(0);
  });

  it("shows whatever comes over the wire as text", async () => {
    const evil = "<img src=x onerror=alert(1)>";
    const { el } = await opened({
      tasks: [ended(evil, { alias: evil, simulator: evil }), ended("b")],
      fields: [
        field({ name: `metadata.${evil}`, kind: "text", group: evil, values: [evil, null] }),
      ],
    });
    expect(panel(el).querySelector("img")).toBeNull();
    expect(panel(el).textContent).toContain(evil);
  });
});
