/** Text of a download's progress, and which of its files are listed. */
import type { DownloadView, FileProgressView } from "./contract";
import { fixed, formatCount, formatEta, formatPlural } from "./format";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
// What room is reserved for: as long as the longest that is usual.
const WIDEST_SPEED = "1023.9 MiB/s";
const WIDEST_ETA = "59 min 59 s left";
const UNKNOWN_BYTES = 1023.9 * 1024 ** 2;

export function hasEnded(download: DownloadView): boolean {
  return ["done", "failed", "cancelled"].includes(download.phase);
}

/** Percent, or null where the total is unknown. */
export function percentOf(done: number, total: number | null, isWhole = false): number | null {
  if (total === null) return null;
  if (total <= 0) return isWhole ? 100 : 0;
  return Math.max(0, Math.min(100, Math.floor((100 * done) / total)));
}

export function percentOfAll({ bytes_done, bytes_total, phase }: DownloadView): number | null {
  return percentOf(bytes_done, bytes_total, phase === "done");
}

/** `38.2 MiB`, `38.2 of 382.1 MiB`: one unit and one number of decimals, so that nothing jumps. */
export function formatAmount(done: number, total: number | null = null): string {
  const largest = total ?? done;
  let unit = 0;
  let scale = 1;
  while (largest >= scale * 1024 && unit < UNITS.length - 1) {
    scale *= 1024;
    unit += 1;
  }
  const decimals = unit === 0 ? 0 : unit < 3 ? 1 : 2;
  const number = (size: number) => fixed(Math.max(0, size) / scale, decimals);
  return `${number(done)}${total === null ? "" : ` of ${number(total)}`} ${UNITS[unit]}`;
}

/** A part of the line of numbers; `widest` is the longest that it becomes. */
export interface Segment {
  key: "files" | "bytes" | "speed" | "eta" | "state";
  text: string;
  widest: string;
}

export function segmentsOf(download: DownloadView): Segment[] {
  const { phase, bytes_done, bytes_total, files_done, files_total, speed, eta } = download;
  const segments: Segment[] = [];
  const add = (key: Segment["key"], text: string, widest: string) =>
    segments.push({ key, text, widest });
  if (files_total !== null && files_total > 1) {
    const all = formatPlural(files_total, "file");
    add("files", `${formatCount(files_done)} of ${all}`, `${formatCount(files_total)} of ${all}`);
  }
  if (bytes_done > 0 || bytes_total !== null || files_total !== null) {
    const largest = bytes_total ?? UNKNOWN_BYTES;
    add("bytes", formatAmount(bytes_done, bytes_total), formatAmount(largest, bytes_total));
  } else if (phase === "running") {
    add("state", "Starting…", "");
    return segments;
  }
  if (phase === "paused") add("state", "Paused", WIDEST_SPEED);
  else if (speed !== null) add("speed", `${formatAmount(Math.round(speed))}/s`, WIDEST_SPEED);
  // Its room is kept also while it is not known, or a narrow page would gain and lose a line.
  if (bytes_total !== null) add("eta", eta === null ? "" : formatEta(eta), WIDEST_ETA);
  return segments;
}

export function progressText(download: DownloadView): string {
  return segmentsOf(download)
    .flatMap(({ text }) => text || [])
    .join(" · ");
}

/** As many files as are shown at once. */
export const MAX_SLOTS = 4;
/** A file is shown for this long at least, in milliseconds: shorter is only flicker. */
export const SLOT_MS = 700;

/** A place for a file under way. It stays while the files change. */
export interface FileSlot {
  file: FileProgressView;
  /** When the file came. */
  since: number;
  /** Whether the file is under way no longer. */
  isGone: boolean;
}

export interface FileSlots {
  slots: FileSlot[];
  /** Files under way that have no place, and whether there ever were any. */
  more: number;
  hadMore: boolean;
  files_done: number;
}

export const NO_SLOTS: FileSlots = { slots: [], more: 0, hadMore: false, files_done: 0 };

/**
 * Assigns files to slots. A file keeps its slot until it is finished, then the next file takes it.
 * Paused and waiting downloads keep their slots.
 */
export function assignSlots(before: FileSlots, download: DownloadView, now: number): FileSlots {
  const { files, files_done, phase } = download;
  if (phase !== "running" && before.slots.length > 0) return before;
  const current = new Map(files.map((file) => [file.name, file]));
  // A file may also go because it is tried again, and then it has not become whole.
  const isWhole = files_done > before.files_done;
  const slots = before.slots.map((slot): FileSlot => {
    const file = current.get(slot.file.name);
    current.delete(slot.file.name);
    if (file !== undefined) return { ...slot, file, isGone: false };
    if (slot.isGone || !isWhole) return { ...slot, isGone: true };
    return { ...slot, file: { ...slot.file, done: slot.file.total }, isGone: true };
  });
  for (const file of [...current.values()]) {
    const free =
      slots.length < MAX_SLOTS
        ? slots.length
        : slots.findIndex(({ isGone, since }) => isGone && now - since >= SLOT_MS);
    if (free === -1) break;
    slots[free] = { file, since: now, isGone: false };
    current.delete(file.name);
  }
  const more = current.size;
  return { slots, more, hadMore: before.hadMore || more > 0, files_done };
}

/** How many places to reserve, filled or not. */
export function slotIndices({ files_total }: DownloadView, { slots }: FileSlots): number {
  return Math.max(slots.length, Math.min(MAX_SLOTS, files_total ?? 0));
}

/** A name in two, the end of which stays in sight when there is not room for all. */
export function splitName(name: string): [string, string] {
  const letters = [...name];
  const end = Math.min(18, Math.floor(letters.length / 2));
  return [
    letters.slice(0, letters.length - end).join(""),
    letters.slice(letters.length - end).join(""),
  ];
}
