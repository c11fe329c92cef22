import { describe, expect, it, vi } from "vitest";
import { Bridge, RequestError } from "../src/bridge";
import { FakeHost, oops } from "./host";

const idOf = (host: FakeHost, index = 0): string => host.sent[index]?.id ?? "";

describe("requests", () => {
  it("carry id, kind and payload, and settle with their own reply", async () => {
    const host = new FakeHost({});
    const bridge = new Bridge(host);
    const first = bridge.request("kill", { task_id: "a" });
    const second = bridge.request("rows", { start: 0, stop: 50 });
    expect(host.sent[0]).toEqual({ id: idOf(host), kind: "kill", task_id: "a" });
    host.message({ id: idOf(host, 1), ok: true, result: { start: 0, rows: [] } });
    host.message({ id: idOf(host), ok: true, result: null });
    expect(await second).toEqual({ start: 0, rows: [] });
    expect(await first).toBeNull();
  });
  it("are rejected with the kernel's words", async () => {
    const host = new FakeHost({});
    const answer = new Bridge(host).request("kill", { task_id: "a" });
    host.message({ id: idOf(host), ok: false, error: oops });
    await expect(answer).rejects.toMatchObject({ view: oops });
  });
  it("settle once, and leave other views' replies alone", async () => {
    const host = new FakeHost({});
    const [mine, other] = [new Bridge(host), new Bridge(host)];
    const answers = [
      mine.request("kill", { task_id: "a" }),
      other.request("kill", { task_id: "a" }),
    ];
    expect(idOf(host, 0)).not.toBe(idOf(host, 1));
    host.message({ id: idOf(host, 0), ok: true, result: null });
    host.message({ id: idOf(host, 0), ok: false, error: oops });
    expect(await answers[0]).toBeNull();
    host.message({ id: idOf(host, 1), ok: false, error: oops });
    await expect(answers[1]).rejects.toBeInstanceOf(RequestError);
  });
  it("wait for as long as the kernel needs", async () => {
    const host = new FakeHost({});
    const answer = new Bridge(host).request("kill", { task_id: "a" });
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(3_600_000);
    host.message({ id: idOf(host), ok: true, result: null });
    expect(await answer).toBeNull();
  });
  it("are rejected when the view goes, and refused after that", async () => {
    const host = new FakeHost({});
    const bridge = new Bridge(host);
    const answer = bridge.request("kill", { task_id: "a" });
    bridge.dispose();
    await expect(answer).rejects.toBeInstanceOf(RequestError);
    await expect(bridge.request("kill", { task_id: "a" })).rejects.toBeInstanceOf(RequestError);
    expect(host.sent).toHaveLength(1);
    expect(host.listeners).toBe(0);
  });
  it("are rejected when they cannot be sent", async () => {
    const host = new FakeHost({});
    host.send = () => {
      throw new Error("Cannot send");
    };
    await expect(new Bridge(host).request("kill", { task_id: "a" })).rejects.toMatchObject({
      view: { detail: "Cannot send" },
    });
  });
});

describe("messages", () => {
  it("that are pushed reach listeners until they leave", () => {
    const host = new FakeHost({});
    const bridge = new Bridge(host);
    const listener = vi.fn();
    const leave = bridge.onMessage(listener);
    host.message({ push: "rows", rows: [] });
    leave();
    host.message({ push: "rows", rows: [] });
    expect(listener.mock.calls).toEqual([[{ push: "rows", rows: [] }]]);
  });
  it("of no known form are ignored", () => {
    const host = new FakeHost({});
    new Bridge(host);
    for (const odd of [null, 7, "text", {}, { id: "x", ok: true }]) host.message(odd);
  });
  it("changes are heard until the listener leaves", () => {
    const host = new FakeHost({ view: 1 });
    const bridge = new Bridge(host);
    const listener = vi.fn();
    const leave = bridge.onChange("view", listener);
    host.set("view", 2);
    leave();
    host.set("view", 3);
    expect(listener).toHaveBeenCalledTimes(1);
    expect(bridge.get("view")).toBe(3);
  });
});
