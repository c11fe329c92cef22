import { act } from "preact/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
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

const host = (traits: object = {}) =>
  new FakeHost({ kind: "task", view: task(), download: null, poll_status: feed(), ...traits });
const files = [{ name: "a.csv", size: 10, compressed: 5 }];

describe("a host", () => {
  it("may give no signal and an element that is nowhere", async () => {
    const { el } = await show(host(), document.createElement("div"));
    expect(el.isConnected).toBe(false);
    one(el, "region", "Task bgnu9i6st2qk9ocghu6w81v5t");
  });
  it("may put the element into a shadow root", async () => {
    const outer = document.createElement("div");
    document.body.append(outer);
    const el = document.createElement("div");
    outer.attachShadow({ mode: "open" }).append(el);
    const model = host();
    await show(model, el);
    await click(one(el, "button", "Kill"));
    await click(one(el, "button", "Confirm kill"));
    expect(model.requests("kill")).toHaveLength(1);
  });
  it("gets everything back: listeners, timers, elements", async () => {
    const model = host();
    const { el, cleanup } = await show(model);
    expect(model.listeners).toBeGreaterThan(0);
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    await act(async () => cleanup());
    expect(model.listeners).toBe(0);
    expect(el.childNodes).toHaveLength(0);
    cleanup();
  });
  it("may end the view by its signal", async () => {
    const controller = new AbortController();
    const model = host();
    const { el } = await show(model, undefined, controller.signal);
    await act(async () => controller.abort());
    expect(model.listeners).toBe(0);
    expect(el.childNodes).toHaveLength(0);
  });
  it("may never show a view, or late: meanwhile nothing goes on", async () => {
    const callbacks: (() => void)[] = [];
    const resized = () => {
      for (const callback of callbacks) callback();
    };
    class Observer {
      constructor(callback: () => void) {
        callbacks.push(callback);
      }
      observe() {}
      disconnect() {}
    }
    vi.stubGlobal("ResizeObserver", Observer);
    const model = host();
    const el = document.createElement("div");
    await show(model, el);
    const said = () => model.sightings.map(({ is_visible }) => is_visible);
    expect([isTicking(), said()]).toEqual([true, [true]]);
    await later(20_000);
    expect([isTicking(), said(), el.textContent]).toEqual([false, [true, false], ""]);
    document.body.append(el);
    await act(async () => resized());
    expect([isTicking(), said()]).toEqual([true, [true, false, true]]);
    one(el, "region", "Task bgnu9i6st2qk9ocghu6w81v5t");
  });
  it("may come to a view that was ended before", async () => {
    const controller = new AbortController();
    controller.abort();
    const model = host();
    const { el, cleanup } = await show(model, undefined, controller.signal);
    expect(model.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(el.childNodes).toHaveLength(0);
    cleanup();
  });
  it("may close the view while a request is under way", async () => {
    const model = host();
    const { el, cleanup } = await show(model);
    await click(one(el, "button", "Kill"));
    await click(one(el, "button", "Confirm kill"));
    await act(async () => cleanup());
    await model.reply("kill", null);
    expect(model.listeners).toBe(0);
  });
  it("may show two views of one model, each for itself", async () => {
    const model = host();
    const [first, second] = [await show(model), await show(model)];
    await click(one(first.el, "button", "Kill"));
    one(second.el, "button", "Kill");
    await act(async () => first.cleanup());
    await act(async () => model.set("view", done()));
    expect(one(second.el, "status").textContent).toBe("Success");
    expect(first.el.childNodes).toHaveLength(0);
  });
  it("hears what is wrong when the kind is unknown", async () => {
    const { el } = await show(host({ kind: "poem" }));
    expect(one(el, "alert").textContent).toContain("poem");
  });
  it("sees what broke when the data cannot be drawn", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { el } = await show(host({ view: { ...task(), marks: null } }));
    one(el, "alert");
  });
  it("gets the shortcuts of the application, and no other key that is pressed in a view", async () => {
    const { el } = await show(host());
    const heard: string[] = [];
    const onKey = (event: KeyboardEvent) => {
      heard.push(
        `${event.ctrlKey ? "Ctrl+" : ""}${event.key} on ${(event.target as Element).localName}`,
      );
      if (event.key === "s") event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    document.body.append(el);
    const button = one(el, "button", "Kill");
    button.focus();
    expect(button.hasAttribute("data-lm-suppress-shortcuts")).toBe(true);
    const prevented = (key: string, ctrlKey = false) =>
      !button.dispatchEvent(
        new KeyboardEvent("keydown", { key, ctrlKey, bubbles: true, cancelable: true }),
      );
    for (const key of ["d", "Escape", "Enter"]) expect(prevented(key)).toBe(false);
    expect(prevented("Enter", true)).toBe(false);
    expect(prevented("s", true)).toBe(true);
    expect(prevented("f", true)).toBe(false);
    document.removeEventListener("keydown", onKey);
    expect(heard).toEqual(["Ctrl+s on body", "Ctrl+f on body"]);
  });
});

describe("the card", () => {
  it("shows the task", async () => {
    const { el } = await show(host());
    const text = el.textContent ?? "";
    for (const part of [
      "reef3d",
      "0:04:37 running",
      "$0.31",
      "c2d-standard-16",
      "dam-break",
      "5 min ago",
    ]) {
      expect(text).toContain(part);
    }
    expect(one(el, "status").dataset.status).toBe("computation-started");
  });
  it("counts each second, and stops at the end", async () => {
    const model = host();
    const { el } = await show(model);
    await later(1000);
    expect(el.textContent).toContain("0:04:38 running");
    expect(isTicking()).toBe(true);
    await act(async () => model.set("view", done()));
    expect(el.textContent).toContain("0:00:10");
    expect(isTicking()).toBe(false);
    expect(el.textContent).toMatch(/Submitted \d\d \w{3}, \d\d:\d\d:\d\d/);
    expect(el.textContent).not.toContain(" ago");
    expect(byRole(el, "button", "Kill")).toHaveLength(0);
  });
  it("counts the cost on while its rate is known", async () => {
    const model = host({ view: task({ cost_usd: 0.31, cost_rate: 0.01 }) });
    const { el } = await show(model);
    expect(el.textContent).toContain("$2.77");
    await later(1000);
    expect(el.textContent).toContain("$2.78");
    await act(async () => model.set("view", done({ cost_usd: 2.9 })));
    expect(el.textContent).toContain("$2.90");
  });
  it("says what a kill means, and that it is no failure", async () => {
    const failure = { title: "The task was killed.", detail: "", advice: "Fine.", last_words: [] };
    const { el } = await show(
      host({ view: done({ status: "killed", status_group: "off", failure }) }),
    );
    expect(one(el, "group", "Why it ended").textContent).toBe("The task was killed.Fine.");
  });
  it("leads to the console, without handing over the page", async () => {
    const view = task({ console_url: "https://console.inductiva.ai/tasks/1" });
    const { el } = await show(host({ view }));
    const link = one(el, "link", "Open in the web console");
    expect(link.getAttribute("href")).toBe("https://console.inductiva.ai/tasks/1");
    expect(link.getAttribute("rel")).toContain("noopener");
  });
  it.each([
    "javascript:alert(1)",
    "http://inductiva.ai",
    "data:text/html,x",
    "no address",
    " javascript:x",
  ])("does not lead to %s", async (console_url) => {
    const { el } = await show(host({ view: task({ console_url }) }));
    expect(byRole(el, "link")).toHaveLength(0);
  });
  it("counts on the service's clock", async () => {
    const { el } = await show(host({ poll_status: feed({ skew: 60_000, updated: NOW + 60_000 }) }));
    expect(el.textContent).toContain("0:05:37 running");
  });
  it("does not count on from a saved notebook", async () => {
    const { el } = await show(host({ poll_status: feed({ updated: NOW - 61_000 }) }));
    expect(el.textContent).toContain("last known 0:03:36 running");
    expect(isTicking()).toBe(false);
  });
  it("stops counting when the kernel falls silent, and goes on with it", async () => {
    const model = host();
    const { el } = await show(model);
    await later(62_000);
    expect(el.textContent).toContain("last known 0:04:37 running");
    expect(isTicking()).toBe(false);
    await act(async () => model.set("poll_status", feed({ updated: NOW + 62_000 })));
    expect(el.textContent).toContain("0:05:39 running");
    expect(el.textContent).not.toContain("last known");
  });
  it("of a task that the service does not know any more says so and stops counting", async () => {
    const notice = "The service does not know this task any more (404).";
    const gone = { notice, offline_since: NOW, problem: "unknown to the service", is_final: true };
    const view = task({ can_kill: false });
    const { el } = await show(host({ view, poll_status: feed(gone) }));
    expect(one(el, "note").textContent).toBe(notice);
    expect(byRole(el, "button", "Kill")).toHaveLength(0);
    const before = el.querySelector(".iw-head")?.textContent;
    expect(before).toContain("last known");
    await later(5000);
    expect(el.querySelector(".iw-head")?.textContent).toBe(before);
    expect(isTicking()).toBe(false);
  });
  it("explains a failure", async () => {
    const failure = {
      title: "Exit code 1.",
      detail: "ERROR 209",
      advice: "Correct the input.",
      last_words: [],
    };
    const view = done({ status: "failed", alias: "Failed", status_group: "bad", failure });
    const { el } = await show(host({ view }));
    expect(one(el, "group", "Why it failed").textContent).toBe(
      "Exit code 1.ERROR 209Correct the input.Show the log",
    );
  });
  it("shows hostile text as text", async () => {
    const evil = `<img src=x onerror=alert(1)>\u202e\u0000${"a".repeat(10_000)}`;
    const view = done({
      id: evil,
      simulator: evil,
      machine_type: evil,
      project: evil,
      alias: evil,
    });
    const { el } = await show(host({ view }));
    await click(one(el, "tab", "Details"));
    expect(el.querySelector("img, script")).toBeNull();
    expect(el.textContent).toContain(evil);
  });
});

describe("killing", () => {
  const ask = async (model: FakeHost) => {
    const el = document.createElement("div");
    document.body.append(el);
    await show(model, el);
    await click(one(el, "button", "Kill"));
    return el;
  };

  it("asks, tells, and ends with the new status", async () => {
    const model = host();
    const el = await ask(model);
    expect(model.sent).toHaveLength(0);
    expect(document.activeElement).toBe(one(el, "button", "Confirm kill"));
    await click(one(el, "button", "Confirm kill"));
    expect(model.requests("kill")[0]).toMatchObject({ task_id: task().id });
    expect(one(el, "group", "Kill").textContent).toBe("stopping…");
    await model.reply("kill", null);
    expect(one(el, "group", "Kill").textContent).toBe("stopping…");
    await act(async () =>
      model.set("view", done({ alias: "Killed", status: "killed", status_group: "off" })),
    );
    expect(one(el, "status").textContent).toBe("Killed");
    expect(byRole(el, "group", "Kill")).toHaveLength(0);
  });
  it.each(["Keep", "Escape", "5 s"])("is taken back by %s", async (way) => {
    const model = host();
    const el = await ask(model);
    if (way === "Keep") {
      one(el, "button", "Keep running").focus();
      await click(one(el, "button", "Keep running"));
    }
    if (way === "Escape") await press(one(el, "button", "Confirm kill"), "Escape");
    if (way === "5 s") await later(5000);
    expect(document.activeElement).toBe(one(el, "button", "Kill"));
    expect(model.sent).toHaveLength(0);
  });
  it("says why it was refused, and can be tried again", async () => {
    const model = host();
    const el = await ask(model);
    await click(one(el, "button", "Confirm kill"));
    await model.refuse("kill", oops);
    expect(one(el, "alert").textContent).toContain("It was refused.");
    await click(one(el, "button", "Dismiss"));
    expect(byRole(el, "alert")).toHaveLength(0);
    one(el, "button", "Kill");
  });
  it("says what it waits for when the kernel is busy, and keeps waiting", async () => {
    const model = host();
    const el = await ask(model);
    await click(one(el, "button", "Confirm kill"));
    await later(2900);
    expect(el.textContent).not.toContain("waiting for the kernel");
    await later(200);
    expect(el.textContent).toContain(
      "waiting for the kernel: it will be sent when the running cell ends",
    );
    await later(600_000);
    await model.reply("kill", null);
    expect(el.textContent).not.toContain("waiting for the kernel");
  });
  it("starts over when it fails after it was accepted", async () => {
    const model = host();
    const el = await ask(model);
    await click(one(el, "button", "Confirm kill"));
    await model.reply("kill", null);
    await act(async () => model.message({ push: "error", task_id: task().id, error: oops }));
    expect(one(el, "alert").textContent).toContain("It was refused.");
    one(el, "button", "Kill");
  });
});

describe("outputs", () => {
  it("are asked for when looked at, and downloaded", async () => {
    const model = host({ view: done() });
    const { el } = await show(model);
    expect(model.sent).toHaveLength(0);
    await click(one(el, "tab", "Outputs 2"));
    await model.reply("outputs", { archive_size: 5, files });
    await click(one(el, "button", "Download all"));
    expect(model.requests("download")[0]).toMatchObject({ task_id: task().id, names: null });
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
    await act(async () => model.set("download", download));
    expect(one(el, "progressbar").getAttribute("aria-valuenow")).toBe("25");
    await click(one(el, "button", "Cancel download"));
    expect(model.requests("cancel_download")).toHaveLength(1);
    await model.reply("cancel_download", null);
  });
  it("that stopped coming are asked for again", async () => {
    const download = {
      phase: "cancelled",
      bytes_done: 1024,
      bytes_total: 4096,
      files_done: 0,
      files_total: 1,
      speed: null,
      eta: null,
      files: [],
      path: null,
      error: null,
    };
    const model = host({ view: done(), download });
    const { el } = await show(model);
    await click(one(el, "button", "Resume download"));
    expect(model.requests("resume_download")[0]).toMatchObject({ task_id: task().id });
    await model.refuse("resume_download", oops);
    expect(el.textContent).toContain(oops.title);
  });
  it.each([
    ["Pause", "running", "pause_download"],
    ["Resume", "paused", "resume_download"],
  ])("%s while they are %s", async (name, phase, kind) => {
    const download = {
      phase,
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
    const model = host({ view: done(), download });
    const { el } = await show(model);
    await click(one(el, "button", name));
    expect(model.requests(kind)[0]).toMatchObject({ task_id: task().id });
    await model.reply(kind, null);
  });
  it("that cannot be listed say why, and are asked for again", async () => {
    const model = host({ view: done() });
    const { el } = await show(model);
    await click(one(el, "tab", "Outputs 2"));
    await model.refuse("outputs", oops);
    await click(one(el, "button", "Try again"));
    await model.reply("outputs", { archive_size: 5, files });
    one(el, "grid", "Output files");
  });
  it("are not offered where there are none", async () => {
    const { el } = await show(host({ view: task({ status: "started" }) }));
    expect(byRole(el, "tab").map((tab) => tab.textContent)).toEqual(["Log", "Details"]);
  });
});
