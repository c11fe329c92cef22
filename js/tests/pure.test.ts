import { describe, expect, it } from "vitest";
import { offsetOf, secondsOf } from "../src/clock";
import { layPhases, phasesOf } from "../src/phases";
import { RowCache } from "../src/rows";
import { layItems, rangeOf } from "../src/window";
import { feed, NOW, task } from "./host";

describe("windowing", () => {
  it("draws what is visible and a few rows around it", () => {
    expect(rangeOf(3200, 320, 100_000, 32)).toEqual({ start: 94, stop: 117 });
  });
  it("stays within the list", () => {
    expect(rangeOf(0, 400, 3, 32)).toEqual({ start: 0, stop: 3 });
    expect(rangeOf(1e9, 400, 3, 32).stop).toBe(3);
    expect(rangeOf(0, 400, 0, 32)).toEqual({ start: 0, stop: 0 });
  });
  it("counts open cards in", () => {
    const gaps = [{ after: 2, height: 1000 }];
    // Inside the card: its row and what follows.
    expect(rangeOf(500, 100, 1000, 32, gaps)).toEqual({ start: 0, stop: 9 });
    // Below it: 1000 px later than without it.
    expect(rangeOf(4200, 320, 1000, 32, gaps)).toEqual(rangeOf(3200, 320, 1000, 32));
  });
  it("keeps every open card and the height of all rows", () => {
    const items = layItems({ start: 50, stop: 60 }, 1000, [3, 55]);
    expect(items.filter(({ kind }) => kind === "card")).toEqual([
      { kind: "card", index: 3 },
      { kind: "card", index: 55 },
    ]);
    const rows = items.reduce(
      (n, item) => n + (item.kind === "space" ? item.rows : item.kind === "row" ? 1 : 0),
      0,
    );
    expect(rows).toBe(1000);
    const at = items.findIndex((item) => item.kind === "card" && item.index === 55);
    expect(items[at - 1]).toEqual({ kind: "row", index: 55 });
    expect(items[at + 1]).toEqual({ kind: "row", index: 56 });
  });
});

describe("phases", () => {
  it("last until the next one that was entered, whatever was passed by", () => {
    expect(phasesOf([0, 10, 30, null, 40])).toEqual([
      { name: "queue", start: 0, end: 10 },
      { name: "preparing", start: 10, end: 30 },
      { name: "computing", start: 30, end: 40 },
    ]);
    expect(phasesOf([0, null, null, null, null])).toEqual([{ name: "queue", start: 0, end: null }]);
    expect(phasesOf([5, null, null, null, 3])).toEqual([{ name: "queue", start: 5, end: 5 }]);
    expect(phasesOf([])).toEqual([]);
  });
  it("fill the bar of an ended task, and leave room in that of a living one", () => {
    const phases = phasesOf(task().marks);
    const alive = layPhases(phases, NOW, false);
    expect(alive.free).toBeGreaterThan(0);
    expect(alive.segments.reduce((sum, { share }) => sum + share, alive.free)).toBeCloseTo(1000);
    expect(alive.legend.map(({ title, duration }) => `${title} ${duration}`.trim())).toEqual([
      "Queue 50 s",
      "Preparing 16 s",
      "Computing 4 min 37 s",
      "Finalizing",
    ]);
    const ended = layPhases(phases.slice(0, 2), NOW, true);
    expect(ended.free).toBe(0);
    expect(ended.legend).toHaveLength(2);
  });
  it("never count backwards, nor on after the end", () => {
    const back = layPhases([{ name: "queue", start: NOW + 9000, end: null }], NOW, false);
    expect(back.legend[0]?.duration).toBe("0 s");
    const open = [{ name: "queue" as const, start: NOW - 9000, end: null }];
    expect(layPhases(open, NOW, true).legend[0]?.duration).toBe("0.0 s");
  });
  it("sum the stretches of a task that was queued twice", () => {
    const phases = [0, 20, 30].map((at, index) => ({
      name: index === 1 ? ("computing" as const) : ("queue" as const),
      start: NOW + at * 1000,
      end: NOW + (at + 10) * 1000,
    }));
    const { segments, legend } = layPhases(phases, NOW, true);
    expect(segments).toHaveLength(3);
    expect(legend.map(({ duration }) => duration)).toEqual(["20 s", "10 s"]);
  });
});

describe("durations", () => {
  it("are the known seconds, else counted, never negative", () => {
    expect(secondsOf({ seconds: 3, since: 0 }, NOW)).toBe(3);
    expect(secondsOf({ seconds: null, since: NOW - 2000 }, NOW)).toBe(2);
    expect(secondsOf({ seconds: null, since: NOW + 2000 }, NOW)).toBe(0);
    expect(secondsOf({ seconds: null, since: null }, NOW)).toBeNull();
  });
  it("follow the kernel's word on the clock unless the page's own is wrong", () => {
    expect(offsetOf(feed({ skew: 700 }), null)).toBe(700);
    expect(offsetOf(feed({ skew: 700 }), -300)).toBe(700);
    expect(offsetOf(feed({ skew: 700 }), -120_000)).toBe(-120_000);
  });
});

describe("the rows that are known", () => {
  const row = (id: string) => task({ id });

  it("are asked for in whole pages, each once", () => {
    const cache = new RowCache();
    cache.put(0, [row("a"), row("b")]);
    expect(cache.missing({ start: 0, stop: 2 }, 120)).toBeNull();
    expect(cache.missing({ start: 0, stop: 10 }, 120)).toEqual({ start: 0, stop: 50 });
    expect(cache.missing({ start: 101, stop: 110 }, 120)).toEqual({ start: 100, stop: 120 });
    cache.answer(2, 100, []);
    expect(cache.missing({ start: 101, stop: 110 }, 120)).toBeNull();
  });
  it("take news of what they hold only", () => {
    const cache = new RowCache();
    cache.put(7, [row("a")]);
    expect(cache.update([{ ...row("a"), alias: "Killed" }])).toBe(true);
    expect(cache.at(7)?.alias).toBe("Killed");
    expect(cache.update([row("z")])).toBe(false);
  });
  it("do not pile up", () => {
    const cache = new RowCache();
    for (let page = 0; page < 200; page += 1) {
      cache.answer(
        page,
        page * 50,
        Array.from({ length: 50 }, (_, i) => row(`${page}-${i}`)),
      );
      cache.trim({ start: page * 50, stop: page * 50 + 20 });
    }
    expect(cache.at(9_990)).toBeDefined();
    expect(cache.at(0)).toBeUndefined();
    expect(cache.missing({ start: 0, stop: 5 }, 10_000)).toEqual({ start: 0, stop: 50 });
  });
});
