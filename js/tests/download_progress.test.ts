import { describe, expect, it } from "vitest";
import type { DownloadView } from "../src/contract";
import { assignSlots, type FileSlots, formatAmount, NO_SLOTS } from "../src/download_progress";

describe("places of files under way", () => {
  const at = (names: string, files_done = 0, phase: DownloadView["phase"] = "running") => ({
    phase,
    files_done,
    files: [...names].map((name) => ({ name, done: 5, total: 10 })),
  });
  /** The places after some states, each a tenth of a second after the one before. */
  const placesAfter = (...views: ReturnType<typeof at>[]) =>
    views.reduce(
      (places, view, index) => assignSlots(places, view as unknown as DownloadView, index * 100),
      NO_SLOTS,
    );
  const names = ({ slots }: FileSlots) => slots.map(({ file }) => file.name).join("");

  it("stay with their file", () => {
    expect(names(placesAfter(at("abcd"), at("bd"), at("dbxy")))).toBe("abcd");
  });
  it("are taken over one by one, once seen for long enough", () => {
    const short = Array.from({ length: 6 }, () => at("xyz"));
    const places = placesAfter(at("abcd"), ...short, at("xyz"));
    expect(names(places)).toBe("xyzd");
    expect(places.more).toBe(0);
  });
  it("show a file as whole only if one became whole", () => {
    expect(placesAfter(at("a"), at("")).slots[0]).toMatchObject({
      isGone: true,
      file: { done: 5 },
    });
    expect(placesAfter(at("a"), at("", 1)).slots[0]).toMatchObject({
      isGone: true,
      file: { done: 10 },
    });
  });
  it("take a file back that is tried again", () => {
    expect(placesAfter(at("ab"), at("b"), at("ba")).slots[0]).toMatchObject({ isGone: false });
  });
  it("rest while the download rests", () => {
    const before = placesAfter(at("ab"));
    expect(assignSlots(before, at("", 0, "paused") as unknown as DownloadView, 9e9)).toBe(before);
  });
});

describe("amounts", () => {
  it.each([
    [0, null, "0 B"],
    [1023, null, "1023 B"],
    [1536, null, "1.5 KiB"],
    [40_056_123, 400_621_466, "38.2 of 382.1 MiB"],
    [5, 2 * 1024 ** 3, "0.00 of 2.00 GiB"],
    [-1, 10, "0 of 10 B"],
  ])("%s of %s are %s", (done, total, text) => {
    expect(formatAmount(done, total)).toBe(text);
  });
});
