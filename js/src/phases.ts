/** Durations and shares of the phases of a task, for the bar and its legend. */
import type { Marks } from "./contract";
import { formatDuration, formatGrowing } from "./format";

export type PhaseName = "queue" | "preparing" | "computing" | "finalizing";

/** `end` is null until the phase ends. */
export interface Phase {
  name: PhaseName;
  start: number;
  end: number | null;
}

export const PHASE_TITLES: Record<PhaseName, string> = {
  queue: "Queue",
  preparing: "Preparing",
  computing: "Computing",
  finalizing: "Finalizing",
};
const ORDER: readonly PhaseName[] = ["queue", "preparing", "computing", "finalizing"];

/** The phases that a task has entered: each lasts until the next one begins. */
export function phasesOf(marks: Marks): Phase[] {
  const end = marks[ORDER.length] ?? null;
  const entered = ORDER.flatMap((name, index) => {
    const start = marks[index] ?? null;
    return start === null ? [] : [{ name, start }];
  });
  return entered.map(({ name, start }, index) => {
    const until = entered[index + 1]?.start ?? end;
    return { name, start, end: until === null ? null : Math.max(start, until) };
  });
}

/** The phase in which a task went wrong, null where none did. */
export function failedPhase(
  phases: readonly { name: PhaseName }[],
  { status, status_group: group }: { status: string; status_group: string },
): PhaseName | null {
  if (group !== "bad") return null;
  // The files are stored all the same when a command has failed or has taken too long.
  const isCommand =
    /^(failed|ttl-exceeded)$/.test(status) && phases.some(({ name }) => name === "computing");
  return isCommand ? "computing" : (phases.at(-1)?.name ?? null);
}

export interface Segment {
  name: PhaseName;
  seconds: number;
  /** Share of the time so far, in thousandths. */
  share: number;
  isOpen: boolean;
}

export interface Legend {
  name: PhaseName;
  title: string;
  /** Empty for a phase that has not begun. */
  duration: string;
}

export interface Phases {
  segments: Segment[];
  legend: Legend[];
}

export function layoutPhases(phases: Phase[], now: number, isTerminal: boolean): Phases {
  const known = phases.filter((phase) => phase.name in PHASE_TITLES);
  const lengths = known.map((phase) => {
    // The end of an ended task's last phase may be unknown: it must not grow for ever.
    const end = phase.end ?? (isTerminal ? phase.start : now);
    return Math.max(0, end - phase.start) / 1000;
  });
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const segments = known.map((phase, index) => {
    const seconds = lengths[index] ?? 0;
    const part = total > 0 ? seconds / total : 1 / known.length;
    return {
      name: phase.name,
      seconds,
      share: 1000 * part,
      isOpen: phase.end === null && !isTerminal,
    };
  });
  return { segments, legend: legendOf(segments, isTerminal) };
}

/** One entry per name: a task that went back to the queue has two queue phases. */
function legendOf(segments: Segment[], isTerminal: boolean): Legend[] {
  const last = segments.at(-1);
  const reached = last === undefined ? -1 : ORDER.indexOf(last.name);
  return ORDER.flatMap((name, index) => {
    const own = segments.filter((segment) => segment.name === name);
    const title = PHASE_TITLES[name];
    if (own.length === 0) {
      return isTerminal || index <= reached ? [] : [{ name, title, duration: "" }];
    }
    const seconds = own.reduce((sum, segment) => sum + segment.seconds, 0);
    const grows = own.some((segment) => segment.isOpen);
    return [{ name, title, duration: grows ? formatGrowing(seconds) : formatDuration(seconds) }];
  });
}
