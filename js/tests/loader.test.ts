/** The loader that every widget brings: how it gets the shared code, and what it says meanwhile. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { importGzip } from "../src/import_gzip";
import loader from "../src/loader";
import { FakeHost } from "./host";

vi.mock("../src/import_gzip", () => ({ importGzip: vi.fn() }));
const imported = vi.mocked(importGzip);
const registry = globalThis as unknown as Record<symbol, object>;
const KEY = Symbol.for("inductiva_widgets.");
const before = registry[KEY];

/** The shared code, which says in the element that it was drawn. */
const bundle = {
  css: ".iw-root {}",
  default: {
    render({ el }: { el: HTMLElement }) {
      const root = el.appendChild(document.createElement("section"));
      return () => root.remove();
    },
  },
};

/** A host that has the model with the code, unless it is told otherwise. */
function host(get_model?: () => Promise<{ get(key: string): unknown }>) {
  const model = new FakeHost({ _assets_id: "assets", kind: "task" });
  return get_model === undefined
    ? model
    : Object.assign(model, { widget_manager: { get_model: vi.fn(get_model) } });
}
const assets = () => Promise.resolve({ get: () => "packed" });

function place(): HTMLElement {
  return document.body.appendChild(document.createElement("div"));
}

const drawn = (el: Element) => el.querySelectorAll("section").length;
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  registry[KEY] = {};
  imported.mockReset();
  imported.mockResolvedValue(bundle);
});

afterEach(() => {
  registry[KEY] = before as object;
});

describe("the shared code", () => {
  it("comes from the model that holds it, without a request to the kernel", async () => {
    const model = host(assets);
    const el = place();
    const cleanup = loader.render({ model, el });
    await settle();
    expect(imported).toHaveBeenCalledWith("packed");
    expect(drawn(el)).toBe(1);
    expect(el.querySelector("style")?.textContent).toBe(bundle.css);
    expect(model.sent).toEqual([]);
    cleanup();
    expect(el.childElementCount).toBe(0);
  });

  it("is evaluated once for a dozen views", async () => {
    const places = Array.from({ length: 12 }, place);
    const cleanups = places.map((el) => loader.render({ model: host(assets), el }));
    await settle();
    expect(places.map(drawn)).toEqual(Array(12).fill(1));
    expect(imported).toHaveBeenCalledTimes(1);
    for (const cleanup of cleanups) cleanup();
  });

  it("is there at once for a later view", async () => {
    const first = loader.render({ model: host(assets), el: place() });
    await settle();
    const el = place();
    const second = loader.render({ model: host(), el });
    expect(drawn(el)).toBe(1);
    first();
    second();
  });

  it.each([
    ["has no such thing", undefined],
    ["does not know the model", () => Promise.reject(new Error("not found"))],
  ])("is asked of the kernel if the host %s", async (_, get_model) => {
    const model = host(get_model);
    const el = place();
    const cleanup = loader.render({ model, el });
    await settle();
    await model.reply("module", { gzip: "answered" });
    await settle();
    expect(imported).toHaveBeenCalledWith("answered");
    expect(drawn(el)).toBe(1);
    cleanup();
    expect(model.listeners).toBe(0);
  });

  it("is asked of the kernel if the host never gives the model", async () => {
    const model = host(() => new Promise(() => undefined));
    const el = place();
    const cleanup = loader.render({ model, el });
    await vi.advanceTimersByTimeAsync(5_000);
    await model.reply("module", { gzip: "answered" });
    await settle();
    expect(drawn(el)).toBe(1);
    cleanup();
  });
});

describe("a view without the code", () => {
  it("says what it waits for, and asks again by itself", async () => {
    const model = host();
    const el = place();
    const cleanup = loader.render({ model, el });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(el.textContent).toContain("kernel is asked again");
    expect(model.requests("module")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(62_000);
    expect(model.requests("module")).toHaveLength(2);
    await model.reply("module", { gzip: "late" });
    await settle();
    expect(drawn(el)).toBe(1);
    expect(el.textContent).not.toContain("kernel is asked again");
    cleanup();
  });

  it("gets it by its own model if the view that asked first has gone", async () => {
    const [first, second] = [host(), host()];
    const el = place();
    const close = loader.render({ model: first, el: place() });
    const cleanup = loader.render({ model: second, el });
    await settle();
    close();
    await vi.advanceTimersByTimeAsync(1_000);
    await second.reply("module", { gzip: "answered" });
    await settle();
    expect(drawn(el)).toBe(1);
    cleanup();
  });

  it("leaves nothing behind when it is closed", async () => {
    const model = host();
    const el = place();
    const controller = new AbortController();
    loader.render({ model, el, signal: controller.signal });
    await settle();
    controller.abort();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(model.listeners).toBe(0);
    expect(el.childElementCount).toBe(0);
    expect(drawn(el)).toBe(0);
  });
});
