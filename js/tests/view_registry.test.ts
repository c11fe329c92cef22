/** A host that renders an output again, as JupyterLab does when the kernel updates a display. */
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import widget from "../src/index";
import { byRole as allByRole, FakeHost, feed, task } from "./host";

const traits = (part: object = {}) => ({
  kind: "task",
  _self_id: "a",
  view: task(),
  log_metrics: null,
  notify: false,
  download: null,
  poll_status: feed(),
  ...part,
});

/** Says at once of what it observes that it is shown, since nothing is laid out here. */
class Observer {
  constructor(readonly seen: () => void) {}
  observe() {
    this.seen();
  }
  disconnect() {}
}

function byRole(el: Element, role: string, name?: string): HTMLElement {
  const [found] = allByRole(el, role, name);
  if (found === undefined) throw new Error(`there is no ${role} ${name}`);
  return found;
}

const cleanups: (() => void)[] = [];

async function draw(host: FakeHost, output: Element | null): Promise<HTMLElement> {
  const el = document.createElement("div");
  output?.append(el);
  await act(async () => {
    cleanups.push(widget.render({ model: host, el }));
  });
  return el;
}

const newOutput = () => document.body.appendChild(document.createElement("div"));

/** What JupyterLab does with an output that is updated. */
async function renderAgain(
  output: Element,
  host: FakeHost,
  leave: () => void = () => undefined,
): Promise<HTMLElement> {
  output.textContent = "Loading widget...";
  leave();
  const el = await draw(host, null);
  output.textContent = "";
  output.append(el);
  await act(async () => {});
  return el;
}

beforeEach(() => vi.stubGlobal("ResizeObserver", Observer));
afterEach(async () => {
  await act(async () => {
    for (const cleanup of cleanups.splice(0)) cleanup();
  });
});

describe("an output that is rendered again", () => {
  it("keeps its elements, its open tab and its focus", async () => {
    const host = new FakeHost(traits());
    const output = newOutput();
    const first = await draw(host, output);
    const root = first.firstElementChild;
    const tab = byRole(first, "tab", "Details");
    await act(async () => tab.click());
    tab.focus();
    const second = await renderAgain(output, host);
    expect(second.firstElementChild).toBe(root);
    expect(output.textContent).not.toContain("Loading");
    expect(byRole(second, "tab", "Details").getAttribute("aria-selected")).toBe("true");
    expect(document.activeElement).toBe(tab);
  });

  it("goes on with the news and the requests of the new view", async () => {
    const [before, after] = [new FakeHost(traits()), new FakeHost(traits())];
    const output = newOutput();
    await draw(before, output);
    const second = await renderAgain(output, after);
    expect(before.listeners).toBe(0);
    await act(async () => after.set("view", task({ alias: "Finishing" })));
    expect(byRole(second, "status").textContent).toContain("Finishing");
    await act(async () => byRole(second, "button", "Kill").click());
    await act(async () => byRole(second, "button", "Confirm kill").click());
    expect(after.requests("kill")).toHaveLength(1);
    expect(before.requests("kill")).toHaveLength(0);
  });

  it("is ended by its last view, not by the first one", async () => {
    const host = new FakeHost(traits());
    const output = newOutput();
    await draw(host, output);
    const second = await renderAgain(output, host);
    const [endFirst, endSecond] = cleanups;
    await act(async () => endFirst?.());
    expect(second.childElementCount).toBe(1);
    await act(async () => endSecond?.());
    expect(second.childElementCount).toBe(0);
    expect(host.listeners).toBe(0);
  });
});

it("keeps what is being typed into the search of a table", async () => {
  const query = {
    search: "",
    status_groups: [],
    filters: {},
    sort: null,
    group: null,
    collapsed: [],
  };
  const host = new FakeHost({
    kind: "task_list",
    _self_id: "a",
    total: 1,
    first_rows: [task()],
    query_result: { version: 1, query, tasks: 1, lines: 1, first: null, last: null, code: "tasks" },
    aggregates: { counts: { run: 1 }, cost: 0.31, seconds: 277, growth: null },
    selection: { version: 0, tasks: 0, hidden: 0, can_kill: 0, with_outputs: 0, cost: null },
    columns: ["status", "task_id"],
    mode: "table",
    poll_status: feed(),
    download: null,
    is_following: false,
    is_demo: false,
  });
  const output = newOutput();
  const search = byRole(await draw(host, output), "searchbox") as HTMLInputElement;
  search.focus();
  search.value = "re";
  await act(async () => {
    search.dispatchEvent(new Event("input", { bubbles: true }));
  });
  // As browsers do with the element that has the focus.
  const leave = () => {
    search.dispatchEvent(new FocusEvent("blur"));
  };
  await renderAgain(output, host, leave);
  expect(search.value).toBe("re");
  expect(host.requests("query")).toHaveLength(0);
  // A person who goes elsewhere means what was typed.
  await act(async () => leave());
  expect(host.requests("query")).toHaveLength(1);
});

describe("a second view", () => {
  it("is drawn beside one that is in the document", async () => {
    const host = new FakeHost(traits());
    const first = await draw(host, newOutput());
    const second = await draw(host, newOutput());
    expect([first.childElementCount, second.childElementCount]).toEqual([1, 1]);
  });

  it("takes nothing from a cell that is scrolled out of sight", async () => {
    const host = new FakeHost(traits());
    const output = newOutput();
    const first = await draw(host, output);
    output.remove();
    const second = await draw(host, newOutput());
    expect([first.childElementCount, second.childElementCount]).toEqual([1, 1]);
  });

  it.each([
    ["of another widget", { _self_id: "b" }],
    ["of a widget without a name", { _self_id: undefined }],
  ])("takes nothing from the view %s", async (_, part) => {
    const output = newOutput();
    const first = await draw(new FakeHost(traits({ _self_id: part._self_id && "a" })), output);
    output.textContent = "";
    const second = await draw(new FakeHost(traits(part)), newOutput());
    expect([first.childElementCount, second.childElementCount]).toEqual([1, 1]);
  });
});

it("ends a view once when a host says twice that it is over", async () => {
  const host = new FakeHost(traits());
  const el = newOutput();
  const over = new AbortController();
  let cleanup = () => {};
  await act(async () => {
    cleanup = widget.render({ model: host, el, signal: over.signal });
  });
  const removed = vi.spyOn(document, "removeEventListener");
  cleanup();
  cleanup();
  over.abort();
  const ends = removed.mock.calls.filter(([type]) => type === "visibilitychange");
  expect(ends).toHaveLength(1);
  removed.mockRestore();
});
