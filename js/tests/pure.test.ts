import { describe, expect, it } from "vitest";
import { clockOffset, elapsedSeconds } from "../src/clock";
import { COLUMNS, DEFAULT_COLUMNS, layoutColumns } from "../src/columns";
import type { RowView } from "../src/contract";
import { layoutItems } from "../src/list/layoutItems";
import { PAGE_SIZE, RowCache } from "../src/list/useRows";
import { describeFilter, formatBound, parseBound } from "../src/panels/filters";
import { panned, ticksOf, zoomed } from "../src/panels/time_range";
import { failedPhase, layoutPhases, phasesOf } from "../src/phases";
import { visibleRange } from "../src/virtual_scroll";
import { feed, NOW, task } from "./host";

describe("windowing", () => {
  it("draws what is visible and a few rows around it", () => {
    expect(visibleRange(3200, 320, 100_000, 32)).toEqual({ start: 94, stop: 117 });
  });
  it("stays within the list", () => {
    expect(visibleRange(0, 400, 3, 32)).toEqual({ start: 0, stop: 3 });
    expect(visibleRange(1e9, 400, 3, 32).stop).toBe(3);
    expect(visibleRange(0, 400, 0, 32)).toEqual({ start: 0, stop: 0 });
  });
  it("counts open cards in", () => {
    const gaps = [{ after: 2, height: 1000 }];
    // Inside the card: its row and what follows.
    expect(visibleRange(500, 100, 1000, 32, gaps)).toEqual({ start: 0, stop: 9 });
    // Below it: 1000 px later than without it.
    expect(visibleRange(4200, 320, 1000, 32, gaps)).toEqual(visibleRange(3200, 320, 1000, 32));
  });
  it("keeps every open card and the height of all rows", () => {
    const items = layoutItems({ start: 50, stop: 60 }, 1000, [3, 55]);
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
  it("draws the row with the focus, wherever it is", () => {
    for (const pinned of [0, 3, 999]) {
      const items = layoutItems({ start: 50, stop: 60 }, 1000, [3, 55], pinned);
      expect(items).toContainEqual({ kind: "row", index: pinned });
      const rows = items.reduce(
        (n, item) => n + (item.kind === "space" ? item.rows : item.kind === "row" ? 1 : 0),
        0,
      );
      expect(rows).toBe(1000);
    }
  });
});

describe("a time line", () => {
  const labels = (from: string, to: string, most: number) =>
    ticksOf({ from: Date.parse(from), to: Date.parse(to) }, most).map(({ label }) => label);

  it("has round ticks from seconds to years, in local time", () => {
    expect(labels("2026-02-01T17:16:17", "2026-02-01T17:16:38", 5)).toEqual([
      "17:16:20",
      "17:16:25",
      "17:16:30",
      "17:16:35",
    ]);
    expect(labels("2026-02-01T22:50:00", "2026-02-02T01:10:00", 5)).toEqual([
      "23:00",
      "23:30",
      "02 Feb",
      "00:30",
      "01:00",
    ]);
    expect(labels("2026-01-31T09:00:00", "2026-02-03T09:00:00", 4)).toEqual([
      "01 Feb",
      "02 Feb",
      "03 Feb",
    ]);
    expect(labels("2025-11-20T00:00:00", "2026-03-10T00:00:00", 5)).toEqual([
      "Dec",
      "2026",
      "Feb",
      "Mar",
    ]);
    expect(labels("2019-06-01T00:00:00", "2026-06-01T00:00:00", 5)).toEqual([
      "2020",
      "2022",
      "2024",
      "2026",
    ]);
  });
  it("never has more ticks than fit, whatever the stretch", () => {
    for (let width = 500; width < 1e15; width *= 3) {
      for (const most of [1, 4, 11]) {
        const found = ticksOf({ from: NOW, to: NOW + width }, most).length;
        expect(found, `${width} ms`).toBeLessThanOrEqual(most + 1);
      }
    }
  });
  it("has every tick of its step, as many as there is room for", () => {
    // Hours of twelve are no days: every second one was left out.
    expect(labels("2026-02-01T17:00:00", "2026-02-03T22:00:00", 6)).toEqual([
      "02 Feb",
      "12:00",
      "03 Feb",
      "12:00",
    ]);
    for (let width = 10_000; width < 200 * 86_400_000; width *= 1.3) {
      const found = ticksOf({ from: NOW, to: NOW + width }, 8);
      const gaps = found.slice(1).map(({ at }, index) => at - (found[index]?.at ?? 0));
      // A month is longer than another by up to 3 days, a day by an hour.
      expect(Math.max(...gaps), `${width} ms`).toBeLessThan(1.15 * Math.min(...gaps));
      expect(Math.min(...gaps), `${width} ms`).toBeLessThan((width / 8) * 4);
    }
  });
  it("zooms around a moment, which stays where it is", () => {
    const fit = { from: 0, to: 1e6 };
    const near = zoomed(fit, 0.5, 250_000, fit);
    expect(near).toEqual({ from: 125_000, to: 625_000 });
    expect((250_000 - near.from) / (near.to - near.from)).toBe(0.25);
    expect(zoomed(near, 0, 250_000, fit).to - zoomed(near, 0, 250_000, fit).from).toBe(1000);
    expect(zoomed(fit, 1e9, 0, fit).to).toBeLessThanOrEqual(2e6);
  });
  it("is not moved out of what there is", () => {
    const fit = { from: 0, to: 1000 };
    expect(panned({ from: 0, to: 100 }, 1e9, fit)).toEqual({ from: 950, to: 1050 });
  });
});

describe("filters in words", () => {
  it("say values, bounds and units", () => {
    expect(describeFilter("simulator", { values: ["reef3d", null] })).toBe(
      "Simulator: reef3d, not known",
    );
    expect(describeFilter("machine_type", { values: ["a", "b", "c", "d"] })).toBe(
      "Resource type: a, b and 2 more",
    );
    expect(describeFilter("cost_usd", { min: 1, max: 2 })).toBe("Cost: $1.00 to $2.00");
    expect(describeFilter("computation_time", { min: null, max: 90 })).toBe(
      "Computation: up to 1 min 30 s",
    );
  });
  it("are read as they are written", () => {
    const at = new Date(2026, 1, 1, 17, 16).getTime();
    expect(formatBound("started", at)).toBe("2026-02-01T17:16");
    expect(parseBound("started", "2026-02-01T17:16")).toBe(at);
    expect(formatBound("output_bytes", 3 * 1024 ** 2)).toBe("3");
    expect(parseBound("output_bytes", "3")).toBe(3 * 1024 ** 2);
    expect(parseBound("cost_usd", "")).toBeNull();
    expect(parseBound("cost_usd", "many")).toBeNull();
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
  it("share the time so far, with no room for a remainder that nobody knows", () => {
    const phases = phasesOf(task().marks);
    const alive = layoutPhases(phases, NOW, false);
    expect(alive.segments.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1000);
    expect(alive.segments.map(({ isOpen }) => isOpen)).toEqual([false, false, true]);
    expect(alive.legend.map(({ title, duration }) => `${title} ${duration}`.trim())).toEqual([
      "Queue 50 s",
      "Preparing 16 s",
      "Computing 4 min 37 s",
      "Finalizing",
    ]);
    const ended = layoutPhases(phases.slice(0, 2), NOW, true);
    expect(ended.segments.some(({ isOpen }) => isOpen)).toBe(false);
    expect(ended.legend).toHaveLength(2);
  });
  it("show where a task went wrong: in its computation, though its files were stored", () => {
    const all = phasesOf([0, 10, 20, 30, 40]);
    expect(failedPhase(all, { status: "failed", status_group: "bad" })).toBe("computing");
    expect(failedPhase(all, { status: "ttl-exceeded", status_group: "bad" })).toBe("computing");
    expect(failedPhase(all, { status: "executer-failed", status_group: "bad" })).toBe("finalizing");
    expect(failedPhase(all.slice(0, 1), { status: "failed", status_group: "bad" })).toBe("queue");
    expect(failedPhase([], { status: "failed", status_group: "bad" })).toBeNull();
    expect(failedPhase(all, { status: "success", status_group: "ok" })).toBeNull();
  });
  it("never count backwards, nor on after the end", () => {
    const back = layoutPhases([{ name: "queue", start: NOW + 9000, end: null }], NOW, false);
    expect(back.legend[0]?.duration).toBe("0 s");
    const open = [{ name: "queue" as const, start: NOW - 9000, end: null }];
    expect(layoutPhases(open, NOW, true).legend[0]?.duration).toBe("0.0 s");
  });
  it("sum the stretches of a task that was queued twice", () => {
    const phases = [0, 20, 30].map((at, index) => ({
      name: index === 1 ? ("computing" as const) : ("queue" as const),
      start: NOW + at * 1000,
      end: NOW + (at + 10) * 1000,
    }));
    const { segments, legend } = layoutPhases(phases, NOW, true);
    expect(segments).toHaveLength(3);
    expect(legend.map(({ duration }) => duration)).toEqual(["20 s", "10 s"]);
  });
});

describe("durations", () => {
  it("are the known seconds, else counted, never negative", () => {
    expect(elapsedSeconds({ seconds: 3, since: 0 }, NOW)).toBe(3);
    expect(elapsedSeconds({ seconds: null, since: NOW - 2000 }, NOW)).toBe(2);
    expect(elapsedSeconds({ seconds: null, since: NOW + 2000 }, NOW)).toBe(0);
    expect(elapsedSeconds({ seconds: null, since: null }, NOW)).toBeNull();
  });
  it("follow the kernel's word on the clock unless the page's own is wrong", () => {
    expect(clockOffset(feed({ skew: 700 }), null)).toBe(700);
    expect(clockOffset(feed({ skew: 700 }), -300)).toBe(700);
    expect(clockOffset(feed({ skew: 700 }), -120_000)).toBe(-120_000);
  });
});

describe("the rows that are known", () => {
  const row = (id: string) => task({ id });

  it("are asked for in whole pages, each once", () => {
    const cache = new RowCache(1);
    cache.put(0, [row("a"), row("b")]);
    expect(cache.missing({ start: 0, stop: 2 }, 120)).toBeNull();
    expect(cache.missing({ start: 0, stop: 10 }, 120)).toEqual({ start: 0, stop: PAGE_SIZE });
    expect(cache.missing({ start: 101, stop: 110 }, 120)).toEqual({ start: 100, stop: 120 });
    expect(cache.missing({ start: 2 * PAGE_SIZE - 5, stop: 2 * PAGE_SIZE + 5 }, 120)).toEqual({
      start: PAGE_SIZE,
      stop: 3 * PAGE_SIZE,
    });
    cache.answer({ start: 100, stop: 120 }, []);
    expect(cache.missing({ start: 101, stop: 110 }, 120)).toBeNull();
  });
  it("take news of what they hold only", () => {
    const cache = new RowCache(1);
    cache.put(7, [row("a")]);
    expect(cache.update([{ id: "a", alias: "Killed", marks: { 2: null, 4: NOW } }])).toBe(true);
    expect((cache.at(7) as RowView).marks).toEqual([NOW - 343_000, NOW - 293_000, null, null, NOW]);
    expect((cache.at(7) as RowView).alias).toBe("Killed");
    expect(cache.update([row("z")])).toBe(false);
  });
  it("do not pile up", () => {
    const cache = new RowCache(1);
    for (let page = 0; page < 200; page += 1) {
      cache.answer(
        { start: page * 50, stop: (page + 1) * 50 },
        Array.from({ length: 50 }, (_, i) => row(`${page}-${i}`)),
      );
      cache.trim({ start: page * 50, stop: page * 50 + 20 });
    }
    expect(cache.at(9_990)).toBeDefined();
    expect(cache.at(0)).toBeUndefined();
    expect(cache.missing({ start: 0, stop: 5 }, 10_000)).toEqual({ start: 0, stop: PAGE_SIZE });
  });
});

describe("columns for which there is room", () => {
  it("are all of them before the table is measured", () => {
    expect(layoutColumns(DEFAULT_COLUMNS).columns).toEqual(DEFAULT_COLUMNS);
  });
  it("fit, in the chosen order, and are those of the highest priority", () => {
    for (let available = 300; available < 1300; available += 10) {
      const { columns, left, width } = layoutColumns(DEFAULT_COLUMNS, { available });
      expect(width <= available || columns.length === 2).toBe(true);
      expect(DEFAULT_COLUMNS.filter((key) => columns.includes(key))).toEqual(columns);
      const lowest = Math.min(...columns.map((key) => COLUMNS[key].priority));
      for (const key of left) expect(COLUMNS[key].priority).toBeLessThan(lowest);
      expect(columns.length + left.length).toBe(DEFAULT_COLUMNS.length);
    }
  });
  it("have the width that the user has chosen", () => {
    const { template, width } = layoutColumns(["status", "cost_usd"], { widths: { status: 300 } });
    expect(template).toContain(" 300px ");
    expect(width).toBe(48 + 300 + COLUMNS.cost_usd.width + 58);
  });
});
