import { describe, expect, it } from "vitest";
import cases from "../../tests/unit/format_cases.json";
import * as format from "../src/format";

describe("the twin of formatting.py", () => {
  it.each(cases.bytes as [number | null, string][])("bytes %s is %s", (size, text) => {
    expect(format.formatBytes(size)).toBe(text);
  });
  it.each(cases.clock as [number | null, string][])("clock %s is %s", (seconds, text) => {
    expect(format.formatHms(seconds)).toBe(text);
  });
  it.each(cases.short as [number | null, string][])("short %s is %s", (seconds, text) => {
    expect(format.formatDuration(seconds)).toBe(text);
  });
  it.each(cases.cost as [number | null, string][])("cost %s is %s", (amount, text) => {
    expect(format.formatCost(amount)).toBe(text);
  });
});

describe("what only the page says", () => {
  const at = new Date(2026, 1, 1, 17, 16, 17).getTime();

  it("dates are local and have the seed's form", () => {
    expect(format.formatDate(at)).toBe("01 Feb, 17:16:17");
    expect(format.formatDate(null)).toBe("n/a");
  });
  it("moments of today need no date", () => {
    expect(format.formatMoment(at, at + 1000)).toBe("17:16:17");
    expect(format.formatMoment(at, at + 86_400_000)).toBe("01 Feb, 17:16:17");
  });
  it.each([
    [-5_000, "0 s ago"],
    [3_900, "3 s ago"],
    [60_000, "1 min ago"],
    [7_200_000, "2 h ago"],
    [86_400_000, "1 day ago"],
    [200_000_000, "2 days ago"],
  ])("%s ms are %s", (age, text) => {
    expect(format.formatAgo(at, at + age)).toBe(text);
  });
  it("growing durations have no flickering decimal", () => {
    expect(format.formatGrowing(3.7)).toBe("3 s");
    expect(format.formatGrowing(277.9)).toBe("4 min 37 s");
  });
  it("speed and remaining time", () => {
    expect(format.formatSpeed(42_991_616)).toBe("41.00 MiB/s");
    expect(format.formatEta(1.2)).toBe("2 s left");
    expect(format.formatEta(-1)).toBe("0 s left");
  });
});
