/** Cards of every status code, and logs of every kind. */
import type { FailureView, LogView, StatusGroupKey, TaskView } from "../src/contract";
import type { Requests } from "../src/messages";
import type { Handlers } from "./model";
import * as states from "./states";

/** Code, alias, status_group, meaning, advice: as `inductiva_widgets/status.py` has them. */
const ENDED: [string, string, StatusGroupKey, string, string][] = [
  [
    "spot-instance-preempted",
    "Spot Reclaimed",
    "bad",
    "The provider took the spot machine back while the task was running.",
    "Run again, with resubmit_on_preemption=True, or on machines that are not spot machines.",
  ],
  [
    "executer-terminated",
    "Task Runner Terminated",
    "bad",
    "The provider ended the machine while the task was running.",
    "Run again; resubmit_on_preemption=True does so by itself.",
  ],
  [
    "executer-terminated-by-user",
    "Machine Terminated by User",
    "bad",
    "The machine group was terminated while the task was running; there is no output.",
    "Start a machine group, run again, and terminate the group once its tasks have ended.",
  ],
  [
    "executer-terminated-ttl-exceeded",
    "Machine Time Limit Reached",
    "bad",
    "The machine group reached its time limit while the task was running.",
    "Start a machine group with a later auto_terminate_ts and run again.",
  ],
  [
    "executer-terminated-credits-exhausted",
    "Credits Exhausted",
    "bad",
    "The account ran out of credits while the task was running.",
    "Add credits to the account in the web console and run again.",
  ],
  [
    "executer-failed",
    "Runtime Error",
    "bad",
    "No space left on device",
    "Run again on a machine with a larger disk or more memory, which often helps. If it fails once more, pass the task's id on to the service's support.",
  ],
  [
    "zombie",
    "Machine Terminated in Queue",
    "bad",
    "The machine group ended while the task was still in the queue.",
    "Start a machine group that lives until its queue is empty, and run again.",
  ],
  [
    "ttl-exceeded",
    "Task Timed Out",
    "bad",
    "The task ran longer than its own time to live.",
    "Run again with a longer time_to_live, or make the simulation shorter.",
  ],
  [
    "killed",
    "Killed",
    "off",
    "You killed this task.",
    "Nothing needs to be corrected: it ended because it was asked to. Run it again any time.",
  ],
];

const pendingInput: TaskView = {
  ...states.queued,
  status: "pending-input",
  alias: "Waiting for Input",
  meaning: "The input files are being uploaded.",
};

function ended([status, alias, status_group, title, advice]: (typeof ENDED)[number]): TaskView {
  const failure: FailureView = { title, detail: "", advice, last_words: [] };
  const base = status === "zombie" ? states.queued : states.killed;
  const over = { is_terminal: true, can_kill: false, queue_ahead: null };
  const marks = status === "zombie" ? states.phases([["queue", 3600]], false) : base.marks;
  return { ...base, ...over, status, alias, status_group, failure, marks, meaning: title };
}

/** All seventeen, and one of the future. */
export const statuses: TaskView[] = [
  pendingInput,
  states.queuedBehind,
  states.preparing,
  states.running,
  states.finalizing,
  states.success,
  states.failed,
  states.pendingKill,
  ...ENDED.map(ended),
  states.unknown,
];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Answers for a log of this text, which may grow by a piece at each look. */
export function logOf(stdout: string, stderr = "", grow?: () => string): Handlers {
  let text = stdout;
  return {
    log: ({ name, after, before }: Requests["log"]): LogView => {
      const isGrowing = grow !== undefined && name === "stdout.txt";
      if (isGrowing && after !== undefined) text += grow();
      const bytes = encoder.encode(name === "stdout.txt" ? text : stderr);
      const stop = before ?? bytes.length;
      const start = after ?? Math.max(0, stop - 65_536);
      return {
        name,
        edition: "1",
        text: decoder.decode(bytes.slice(start, stop)),
        start,
        stop,
        size: bytes.length,
        can_grow: grow !== undefined,
        note: bytes.length === 0 ? `Nothing was written to ${name}.` : "",
      };
    },
  };
}

/** A log that grows by ten megabytes between two looks: of each, the end is answered. */
export function floodOf(text: string): Handlers {
  const most = 1 << 18;
  const part = text.repeat(Math.ceil(most / text.length)).slice(0, most);
  let size = 0;
  return {
    log: ({ name }: Requests["log"]): LogView => {
      size += 10_000_000;
      const [start, stop] = [size - most, size];
      return { name, edition: "1", text: part, start, stop, size, can_grow: true, note: "" };
    },
  };
}
/** Ends of logs that are hard to draw, each as much as one answer holds. */
export const floods: Record<string, () => string> = {
  lines: () => plainLog(3_000),
  "short lines": () => "0.1\n",
  "one endless line": () => "x".repeat(1 << 18),
  "a progress bar": () =>
    Array.from({ length: 2_000 }, (_, n) => `\r${n} %|${"█".repeat(n % 40)}`).join(""),
  backspaces: () =>
    `${"y".repeat(9_000)}${Array.from({ length: 80_000 }, (_, n) => `\b${n % 10}\b`).join("")}`,
  "carriage returns": () => `${"z".repeat(9_990)}${"\rab".repeat(80_000)}`,
  colours: () =>
    Array.from({ length: 20_000 }, (_, n) => `${ESC}3${n % 8}m${n}${n % 9 ? " " : "\n"}`).join(""),
};

/** Answers with a note instead of a log. */
export const logNote = (note: string): Handlers => ({
  log: ({ name }) => ({
    name,
    edition: "1",
    text: "",
    start: 0,
    stop: 0,
    size: 0,
    can_grow: true,
    note,
  }),
});

/** A log that was followed, and of which the task's end has left nothing. */
export function logTaken(text: string): Handlers {
  const running = logOf(text, "", () => "").log as (asked: Requests["log"]) => LogView;
  const gone = logNote("Task n7pbt has no output: its machine was taken away.")
    .log as typeof running;
  return {
    log: (asked: Requests["log"]) =>
      asked.after === undefined ? running(asked) : { ...gone(asked), can_grow: false },
  };
}

const step = (n: number): string =>
  `Iteration: ${String(n).padStart(6)}   simtime: ${(n * 0.0125).toFixed(4)} s   dt: 0.0125   umax: ${(1.2 + Math.sin(n)).toFixed(4)}   Pi: ${(n % 17) + 3}\n`;
export const plainLog = (lines: number): string =>
  Array.from({ length: lines }, (_, n) => step(n)).join("");

let at = 400;
export const nextStep = (): string => {
  at += 1;
  return step(at);
};

const ESC = "\x1b[";
const row = (codes: number[]): string =>
  codes.map((code) => `${ESC}${code}m ${code} ${ESC}0m`).join("");
const cube = Array.from(
  { length: 6 },
  (_, red) =>
    Array.from({ length: 36 }, (_, n) => `${ESC}38;5;${16 + red * 36 + n}m#`).join("") +
    `${ESC}0m\n`,
).join("");
export const colourLog = [
  `${ESC}1;32m[ INFO ]${ESC}0m SPlisHSPlasH 2.12.4, ${ESC}4m16 threads${ESC}0m\n`,
  `${ESC}33m[ WARN ]${ESC}0m time step ${ESC}1m0.001${ESC}0m is larger than the CFL condition allows\n`,
  `${ESC}1;31m[ ERROR ]${ESC}0m pressure solver: ${ESC}31mnot converged${ESC}0m after ${ESC}7m 100 ${ESC}0m iterations\n`,
  `${ESC}2mdim text${ESC}0m  ${ESC}3mitalic${ESC}0m  ${ESC}1mbold${ESC}0m  ${ESC}4munderlined${ESC}0m  ${ESC}41;97m on red ${ESC}0m ${ESC}42m on green ${ESC}0m ${ESC}44;33m yellow on blue ${ESC}0m\n`,
  `${row([30, 31, 32, 33, 34, 35, 36, 37])}\n${row([90, 91, 92, 93, 94, 95, 96, 97])}\n`,
  `${row([40, 41, 42, 43, 44, 45, 46, 47])}\n${row([100, 101, 102, 103, 104, 105, 106, 107])}\n`,
  cube,
  `${ESC}38;2;255;220;0mtrue colour${ESC}0m \x1b]8;;https://splishsplash.org\x07a link's text\x1b]8;;\x07 日本語 émoji 🌊\n`,
].join("");

export const progressLog = [
  "meshing with 8 ranks\n",
  ...Array.from(
    { length: 101 },
    (_, n) =>
      `\r${ESC}K${String(n).padStart(3)} %|${ESC}32m${"█".repeat(n / 2.5)}${ESC}0m${" ".repeat(40 - n / 2.5)}| ${n * 12}/1200`,
  ),
  "\nrank 0: 0 %\nrank 1: 0 %\n",
  ...Array.from(
    { length: 50 },
    (_, n) => `${ESC}2A${ESC}2Krank 0: ${n * 2} %\n${ESC}2Krank 1: ${n} %\n`,
  ),
].join("");

export const wideLog = Array.from(
  { length: 12 },
  (_, n) =>
    `${n}: mpirun -np 16 /REEF3D/bin/REEF3D ${"--a-very-long-option=/with/a/very/long/path ".repeat(8)}\n`,
).join("");

export const errorLog = "ERROR 209: undefined object N17\n  in line 41 of [CONDUITS]\n";
