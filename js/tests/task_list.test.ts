import { act } from "preact/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RowView } from "../src/contract";
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
  task,
} from "./host";

afterEach(closeAll);

const row = (index: number): RowView =>
  index === 0 ? task({ id: "id-0" }) : done({ id: `id-${index}` });
const rows = (start: number, stop: number) =>
  Array.from({ length: stop - start }, (_, i) => row(start + i));
const list = (total: number, traits: object = {}) =>
  new FakeHost({
    kind: "task_list",
    total,
    head: rows(0, Math.min(total, 24)),
    counts: { run: 1, ok: total - 1 },
    feed: feed(),
    is_demo: false,
    ...traits,
  });
const lines = (el: Element) =>
  byRole(el, "row").filter((node) => node.className.includes("iw-row"));
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

describe("the list", () => {
  it("paints its first rows without a request", async () => {
    const model = list(8);
    const { el } = await show(model);
    expect(model.sent).toHaveLength(0);
    expect(lines(el)).toHaveLength(9);
    expect(byRole(el, "columnheader").map((head) => head.textContent)).toEqual([
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
    for (const part of [
      "In Progress",
      "reef3d",
      "0:04:37",
      "c2d-standard-16",
      "0.31 US$",
      "Kill",
    ]) {
      expect(text).toContain(part);
    }
  });
  it("counts what runs", async () => {
    const { el } = await show(list(3));
    await later(2000);
    expect(line(el, "id-0").textContent).toContain("0:04:39");
  });
  it("is friendly when empty", async () => {
    const { el } = await show(list(0, { counts: {} }));
    expect(el.textContent).toContain("No tasks here yet");
    expect(byRole(el, "table")).toHaveLength(0);
  });
  it("tells totals, kinds and whether it is a demo", async () => {
    const { el } = await show(
      list(100_000, { is_demo: true, counts: { ok: 99_998, sparkling: 2 } }),
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
    await scroll(el, 50_010 * 32);
    expect(model.requests("rows").map(({ start, stop }) => [start, stop])).toEqual([
      [50_000, 50_050],
    ]);
    expect(byRole(el, "row").some((node) => node.getAttribute("aria-busy") === "true")).toBe(true);
    await model.reply("rows", { start: 50_000, rows: rows(50_000, 50_050) });
    expect(line(el, "id-50010").getAttribute("aria-rowindex")).toBe("50012");
    expect(byRole(el, "row").some((node) => node.getAttribute("aria-busy") === "true")).toBe(false);
  });
  it("after a long scroll asks only for what is looked at then", async () => {
    const model = list(100_000);
    const { el } = await show(model);
    for (const index of [10_010, 20_010, 30_010]) await scroll(el, index * 32);
    expect(model.requests("rows")).toHaveLength(1);
    await model.reply("rows", { start: 10_000, rows: rows(10_000, 10_050) });
    expect(model.requests("rows").map(({ start }) => start)).toEqual([10_000, 30_000]);
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
      model.set("head", [done({ id: "new-1" }), done({ id: "new-2" })]);
    });
    expect(lines(el)).toHaveLength(3);
    line(el, "new-2");
  });
  it("leaves nothing behind", async () => {
    const model = list(100_000);
    const { el, cleanup } = await show(model);
    await scroll(el, 50_010 * 32);
    await act(async () => cleanup());
    await model.reply("rows", { start: 50_000, rows: rows(50_000, 50_050) });
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
    expect(model.sent.map(({ kind, task_id }) => [kind, task_id])).toEqual([["kill", "id-0"]]);
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
  it("is reached from its neighbour by the arrow keys", async () => {
    const el = document.createElement("div");
    document.body.append(el);
    await show(list(8), el);
    const first = one(el, "button", "Show task id-0");
    first.focus();
    await press(first, "ArrowDown");
    expect(document.activeElement).toBe(one(el, "button", "Show task id-1"));
  });
  it("does not count on from a saved notebook", async () => {
    const { el } = await show(list(3, { feed: feed({ updated: NOW - 61_000 }) }));
    expect(line(el, "id-0").textContent).toContain("0:03:36");
    expect(el.textContent).toContain("last known state");
    expect(vi.getTimerCount()).toBe(0);
  });
});
