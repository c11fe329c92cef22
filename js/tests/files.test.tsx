import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import type { FilesView, WorkingFileView } from "../src/contract";
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
  show,
  task,
} from "./host";

afterEach(closeAll);

const file = (name: string, size: number | null = 10, ago: number | null = 3): WorkingFileView => ({
  name,
  size,
  modified: ago === null ? null : NOW - ago * 1_000,
});
const view = (files: WorkingFileView[], part: Partial<FilesView> = {}): FilesView => ({
  files,
  more: 0,
  as_of: NOW,
  note: "",
  ...part,
});
const lines = (el: Element) =>
  byRole(el, "row")
    .slice(1)
    .map((row) => byRole(row, "gridcell").map((cell) => cell.textContent));
const heads = (el: Element) => byRole(el, "columnheader").map((head) => head.textContent);

async function opened(traits: object = {}) {
  const model = new FakeHost({
    kind: "task",
    view: task(),
    log_metrics: null,
    notify: false,
    download: null,
    poll_status: feed(),
    ...traits,
  });
  const { el } = await show(model);
  await click(one(el, "tab", "Files"));
  return { model, el };
}

describe("the working folder", () => {
  it("is there while the task computes only", async () => {
    for (const [part, count] of [
      [task(), 1],
      [task({ status: "computation-ended" }), 1],
      [task({ status: "started" }), 0],
      [done({ has_outputs: false }), 0],
    ] as const) {
      const { el } = await show(
        new FakeHost({ kind: "task", view: part, download: null, poll_status: feed() }),
      );
      expect(byRole(el, "tab", "Files")).toHaveLength(count);
    }
  });
  it("is a tree with sizes and ages", async () => {
    const { model, el } = await opened();
    await model.reply(
      "files",
      view([file("stdout.txt", 2_048, 3), file("vtk/a.vtk", 10, 70), file("vtk/b.vtk", null)]),
    );
    expect(lines(el)).toEqual([
      ["vtk/2 files", "–", "3 s ago"],
      ["a.vtk", "10 B", "1 min ago"],
      ["b.vtk", "–", "3 s ago"],
      ["stdout.txt", "2.00 KiB", "3 s ago"],
    ]);
    await later(2_000);
    expect(lines(el)[3]?.[2]).toBe("5 s ago");
    await click(one(el, "button", "vtk/"));
    expect(lines(el).map(([name]) => name)).toEqual(["vtk/2 files", "stdout.txt"]);
  });
  it("leaves out the columns that nothing is known of", async () => {
    const { model, el } = await opened();
    await model.reply("files", view([file("a", null, null)]));
    expect(heads(el)).toEqual(["Name"]);
  });
  it("is asked for every two seconds, one question at a time, and marks what grows", async () => {
    const { model, el } = await opened();
    await later(10_000);
    expect(model.requests("files")).toHaveLength(1);
    await model.reply("files", view([file("a", 10), file("b", 10)]));
    await later(2_000);
    expect(model.requests("files")).toHaveLength(2);
    await model.reply("files", view([file("a", 20), file("b", 10), file("c", 1)]));
    const growing = [...el.querySelectorAll(".iw-growing")].map((row) => row.textContent);
    expect(growing).toEqual(["a20 B15 s ago"]);
  });
  it("is sorted by what is newest or largest", async () => {
    const { model, el } = await opened();
    await model.reply("files", view([file("a", 1, 9), file("b", 3, 5), file("c", 2, 1)]));
    const names = () =>
      lines(el)
        .map(([name]) => name)
        .join("");
    expect(names()).toBe("abc");
    await click(one(el, "button", "Changed"));
    expect(names()).toBe("cba");
    await click(one(el, "button", "Size"));
    expect(names()).toBe("bca");
  });
  it("says why there is nothing, what is left out, and what went wrong", async () => {
    const { model, el } = await opened();
    await model.reply("files", view([], { note: "Install the extra." }));
    expect(one(el, "note").textContent).toBe("Install the extra.");
    await later(2_000);
    await model.reply("files", view([file("a")], { more: 1_234 }));
    expect(el.textContent).toContain("1,235 files · 1,234 files left out");
    await later(2_000);
    await model.refuse("files", oops);
    expect(one(el, "alert").textContent).toContain(oops.title);
    expect(lines(el)).toHaveLength(1);
    await later(6_000);
    expect(model.requests("files")).toHaveLength(3);
    await click(one(el, "button", "Try again"));
    expect(model.requests("files")).toHaveLength(4);
  });
  it("shows the end of a file, live, and comes back", async () => {
    const { model, el } = await opened();
    await model.reply("files", view([file("log/main.dat")]));
    await click(one(el, "button", "Show log/main.dat"));
    const { name, id: _ } = model.requests("log").at(-1) as unknown as { name: string; id: string };
    expect(name).toBe("log/main.dat");
    const said = { name, edition: "live", start: 0, stop: 4, size: 4, can_grow: true, note: "" };
    await model.reply("log", { ...said, text: "one\n" });
    await later(1_000);
    expect(model.requests("log").at(-1)).toMatchObject({ name, after: 4, edition: "live" });
    expect(one(el, "log", "log/main.dat").textContent).toContain("one");
    expect(model.requests("log").every((request) => request.name === name)).toBe(true);
    await click(one(el, "button", "All files"));
    expect(lines(el)).toHaveLength(2);
  });
  it("becomes the outputs when the task ends, and stays open", async () => {
    const { model, el } = await opened();
    await model.reply("files", view([file("a")]));
    await act(async () => model.set("view", done()));
    expect(one(el, "tab", /^Outputs/).getAttribute("aria-selected")).toBe("true");
    expect(model.requests("outputs")).toHaveLength(1);
  });
});
