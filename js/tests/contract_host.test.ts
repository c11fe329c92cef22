/**
 * The host contract that VS Code, Colab and others keep: six methods of a model and an element,
 * which may be detached or in a ShadowRoot. Nothing else is asked of a host, and no network.
 */
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Host } from "../src/bridge";
import type { DownloadView } from "../src/contract";
import widget from "../src/index";
import { byRole, closeAll, FakeHost, feed, NOW, oops, task } from "./host";

const ALLOWED = ["get", "set", "save_changes", "on", "off", "send"];

/** A host that throws at whatever not every host has. */
function strict(model: FakeHost): Host {
  return new Proxy(model, {
    get(target, name) {
      // Optional: what it is used for has another way, or is left out.
      if (name === "widget_manager") return undefined;
      if (!ALLOWED.includes(String(name))) throw new Error(`not every host has ${String(name)}`);
      return (target[name as keyof FakeHost] as (...args: unknown[]) => unknown).bind(target);
    },
    set(_, name) {
      throw new Error(`a host's ${String(name)} was written to`);
    },
  });
}

const download: DownloadView = {
  phase: "running",
  bytes_done: 5,
  bytes_total: 10,
  files_done: 0,
  files_total: 1,
  speed: 1,
  eta: 5,
  files: [{ name: "a.csv", done: 5, total: 10 }],
  path: "inductiva_output",
  error: null,
};
const query = {
  search: "",
  status_groups: [],
  filters: {},
  sort: null,
  group: null,
  collapsed: [],
};
const query_result = {
  version: 1,
  query,
  tasks: 1,
  lines: 1,
  first: NOW,
  last: NOW,
  code: "tasks",
};
const aggregates = { counts: { run: 1 }, cost: 0.31, seconds: 277, growth: null };
const selection = { version: 0, tasks: 0, hidden: 0, can_kill: 0, with_outputs: 0, cost: null };

const KINDS: Record<string, object> = {
  task: {
    kind: "task",
    view: task(),
    log_metrics: null,
    notify: false,
    download: null,
    poll_status: feed(),
  },
  task_list: {
    kind: "task_list",
    total: 1,
    first_rows: [task()],
    counts: { run: 1 },
    query_result,
    aggregates,
    selection,
    columns: ["status", "simulator", "task_id"],
    mode: "table",
    poll_status: feed(),
    download: null,
    is_following: false,
    is_demo: false,
  },
  download: { kind: "download", title: "Outputs of task t1", download },
  unheard_of: { kind: "unheard_of" },
};

async function draw(model: Host, el: HTMLElement): Promise<() => void> {
  let cleanup = () => {};
  await act(async () => {
    cleanup = widget.render({ model, el });
  });
  return cleanup;
}

afterEach(() => {
  closeAll();
  vi.restoreAllMocks();
});

describe.each(Object.keys(KINDS))("a view of kind %s", (kind) => {
  const host = () => new FakeHost(KINDS[kind] as object);
  const name = kind === "unheard_of" ? /cannot be shown/ : /./;

  it("is drawn into a detached element with the six methods alone", async () => {
    const model = host();
    const el = document.createElement("div");
    const cleanup = await draw(strict(model), el);
    expect(el.isConnected).toBe(false);
    expect(el.textContent).toMatch(name);
    expect(el.querySelectorAll(".iw-root")).toHaveLength(1);
    cleanup();
    expect(el.childNodes).toHaveLength(0);
    expect(model.listeners).toBe(0);
  });

  it("is drawn into a shadow root, and looks for nothing outside of it", async () => {
    const outside = [
      vi.spyOn(document, "querySelector"),
      vi.spyOn(document, "querySelectorAll"),
      vi.spyOn(document, "getElementById"),
    ];
    const shadow = document.body
      .appendChild(document.createElement("div"))
      .attachShadow({ mode: "closed" });
    const el = document.createElement("div");
    shadow.append(el);
    const model = host();
    const cleanup = await draw(strict(model), el);
    expect(el.textContent).toMatch(name);
    for (const spy of outside) expect(spy).not.toHaveBeenCalled();
    cleanup();
    expect(model.listeners).toBe(0);
  });

  it("is shown twice, and each view goes by itself", async () => {
    const model = host();
    const first = document.createElement("div");
    const second = document.createElement("div");
    const end = await draw(strict(model), first);
    const rest = await draw(strict(model), second);
    end();
    // Some hosts call the cleanup again.
    end();
    expect(first.childNodes).toHaveLength(0);
    expect(second.textContent).toMatch(name);
    rest();
    expect(model.listeners).toBe(0);
  });

  it("is shown again after it was gone", async () => {
    const model = host();
    const el = document.createElement("div");
    (await draw(strict(model), el))();
    const cleanup = await draw(strict(model), el);
    expect(el.querySelectorAll(".iw-root")).toHaveLength(1);
    cleanup();
  });

  it("tells whether it is in sight, and says goodbye", async () => {
    const model = host();
    const told = () => model.sightings.map(({ is_visible }) => is_visible);
    const cleanup = await draw(strict(model), document.createElement("div"));
    expect(told()).toEqual([true]);
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    document.dispatchEvent(new Event("visibilitychange"));
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(told()).toEqual([true, false, true]);
    cleanup();
    document.dispatchEvent(new Event("visibilitychange"));
    expect(told()).toEqual([true, false, true, false]);
    expect(new Set(model.sightings.map(({ view }) => view)).size).toBe(1);
  });

  it("survives a kernel that cannot be reached", async () => {
    const model = host();
    model.send = () => {
      throw new Error("the comm is closed");
    };
    const el = document.createElement("div");
    const cleanup = await draw(strict(model), el);
    expect(el.textContent).toMatch(name);
    await act(async () => cleanup());
  });
});

describe("a failure that the kernel tells", () => {
  it.each(["task", "task_list", "download"])(
    "is shown by a %s with a report to copy",
    async (kind) => {
      const model = new FakeHost(KINDS[kind] as object);
      const el = document.createElement("div");
      const cleanup = await draw(strict(model), el);
      await act(async () => model.message({ push: "error", task_id: "", error: oops }));
      const [alert] = byRole(el, "alert");
      expect(alert?.textContent).toContain(oops.title);
      expect(byRole(el, "button", "Copy report").length).toBeGreaterThan(0);
      cleanup();
    },
  );

  it("is a pause, said in words", async () => {
    const model = new FakeHost({ ...KINDS.task, poll_status: feed({ is_paused: true }) });
    const el = document.createElement("div");
    const cleanup = await draw(strict(model), el);
    expect(el.textContent).toContain("paused while hidden");
    cleanup();
  });
});
