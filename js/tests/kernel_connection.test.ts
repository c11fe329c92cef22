/** A view that has lost its kernel, or the way to it. */
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import { byRole, closeAll, FakeHost, feed, later, NOW, show, task } from "./host";

const card = (part: object = {}) => ({
  kind: "task",
  view: task(),
  log_metrics: null,
  notify: false,
  download: null,
  poll_status: feed({ updated: NOW }),
  _self_id: "me",
  ...part,
});

class FakeSignal {
  readonly slots = new Set<() => void>();
  connect(slot: () => void): void {
    this.slots.add(slot);
  }
  disconnect(slot: () => void): void {
    this.slots.delete(slot);
  }
  emit(): void {
    for (const slot of [...this.slots]) slot();
  }
}

/** JupyterLab's connection to a kernel. */
const kernel = () => ({
  isDisposed: false,
  status: "idle",
  disposed: new FakeSignal(),
  statusChanged: new FakeSignal(),
});

function inLab(model: object = {}) {
  const here = kernel();
  const host = Object.assign(new FakeHost(card()), {
    widget_manager: { kernel: here, get_model: () => Promise.resolve(model as never) },
  });
  return { host, kernel: here };
}

const seconds = (el: Element) => el.querySelector(".iw-elapsed")?.textContent;

afterEach(closeAll);

function isLost(el: Element): void {
  expect(byRole(el, "alert")[0]?.textContent).toMatch(/lost its kernel.*Run the cell again/);
  const enabled = [...el.querySelectorAll<HTMLElement>("button, input, select")].filter(
    (node) => node.closest("fieldset:disabled") === null,
  );
  expect(enabled).toEqual([]);
}

describe("a kernel that has gone", () => {
  it.each(["restarting", "autorestarting", "terminating", "dead"])(
    "is noticed by its status %s",
    async (status) => {
      const { host, kernel } = inLab();
      const { el } = await show(host);
      expect(byRole(el, "alert")).toEqual([]);
      kernel.status = status;
      await act(async () => kernel.statusChanged.emit());
      isLost(el);
    },
  );

  it("is not taken for gone while it is busy", async () => {
    const { host, kernel } = inLab();
    const { el } = await show(host);
    kernel.status = "busy";
    await act(async () => kernel.statusChanged.emit());
    expect(byRole(el, "alert")).toEqual([]);
  });

  it("is noticed when the connection is disposed of", async () => {
    const { host, kernel } = inLab();
    const { el } = await show(host);
    kernel.isDisposed = true;
    await act(async () => kernel.disposed.emit());
    isLost(el);
  });

  it("is noticed by the class that ipywidgets sets", async () => {
    const host = new FakeHost(card());
    const { el } = await show(host);
    el.classList.add("jupyter-widgets-disconnected");
    await act(async () => host.emit("comm_live_update"));
    isLost(el);
  });

  it("is noticed by a view of a model that never had one", async () => {
    const el = document.body.appendChild(document.createElement("div"));
    el.className = "jupyter-widgets-disconnected";
    await show(new FakeHost(card()), el);
    isLost(el);
  });

  it("stops the count, and ends requests on their way", async () => {
    const { host, kernel } = inLab();
    const { el } = await show(host);
    const kill = byRole(el, "button", "Kill")[0] as HTMLElement;
    await act(async () => kill.click());
    await act(async () => (byRole(el, "button", "Confirm kill")[0] as HTMLElement).click());
    expect(host.requests("kill")).toHaveLength(1);
    kernel.status = "restarting";
    await act(async () => kernel.statusChanged.emit());
    await later(0);
    expect(el.textContent).not.toContain("stopping");
    const before = seconds(el);
    await later(5_000);
    expect(seconds(el)).toBe(before);
    expect(host.requests("refresh")).toEqual([]);
  });

  it("leaves no listener behind when the view is closed", async () => {
    const { host, kernel } = inLab();
    const { cleanup } = await show(host);
    await act(async () => cleanup());
    expect(host.listeners).toBe(0);
    expect(kernel.statusChanged.slots.size + kernel.disposed.slots.size).toBe(0);
  });
});

describe("a model that anywidget has given up", () => {
  class WidgetModel {
    received: unknown[] = [];
    handle: ((message: unknown) => unknown) | null = null;
    comm = {
      on_msg: (handle: (message: unknown) => unknown) => {
        this.handle = handle;
      },
    };
    async _handle_comm_msg(message: unknown): Promise<void> {
      this.received.push(message);
    }
  }
  class AnyModel extends WidgetModel {
    constructor(readonly ready: Promise<void>) {
      super();
    }
    override async _handle_comm_msg(message: unknown): Promise<void> {
      await this.ready;
      return super._handle_comm_msg(message);
    }
  }

  it("gets its messages again, and what it has missed", async () => {
    const refused = Promise.reject(new Error("[anywidget] Failed to initialize model."));
    refused.catch(() => undefined);
    const model = new AnyModel(refused);
    const { host } = inLab(model);
    await show(host);
    expect(host.requests("refresh")).toHaveLength(1);
    const message = { content: { data: { method: "update" } } };
    await model.handle?.(message);
    expect(model.received).toEqual([message]);
  });

  it("is left alone if it was initialized", async () => {
    const model = new AnyModel(Promise.resolve());
    const { host } = inLab(model);
    await show(host);
    expect(host.requests("refresh")).toEqual([]);
    expect(model.handle).toBeNull();
  });
});

describe("a card without news", () => {
  it("asks its kernel each minute, one request at a time", async () => {
    const host = new FakeHost(card());
    await show(host);
    await later(59_000);
    expect(host.requests("refresh")).toEqual([]);
    await later(3_000);
    expect(host.requests("refresh")).toHaveLength(1);
    await later(120_000);
    expect(host.requests("refresh")).toHaveLength(1);
    await host.reply("refresh", null);
    await later(60_000);
    expect(host.requests("refresh")).toHaveLength(2);
    await act(async () => host.set("poll_status", feed({ updated: Date.now() })));
    await host.reply("refresh", null);
    await later(30_000);
    expect(host.requests("refresh")).toHaveLength(2);
  });
});
