/** The data of every state that a card or a list can be in. */
import type {
  DownloadView,
  FileProgressView,
  FileView,
  Marks,
  PollStatusView,
  PreviewView,
  RowView,
  StatusGroupKey,
  TaskView,
} from "../src/contract";
import type { PhaseName } from "../src/phases";
import { phasesOf } from "../src/phases";
import type { Handlers } from "./model";

export const now = Date.now();
const second = 1000;

export const feed: PollStatusView = {
  updated: now,
  offline_since: null,
  error: null,
  problem: null,
  notice: null,
  is_final: false,
  skew: 0,
  is_paused: false,
};

const ORDER: readonly PhaseName[] = ["queue", "preparing", "computing", "finalizing"];

/** Phases with these durations, in seconds; the last of a living task has no end. */
export function phases(parts: [PhaseName, number][], isLive: boolean, end = now): Marks {
  const marks: Marks = [null, null, null, null, isLive ? null : end];
  let at = end - parts.reduce((sum, [, seconds]) => sum + seconds * second, 0);
  for (const [name, seconds] of parts) {
    marks[ORDER.indexOf(name)] = at;
    at += seconds * second;
  }
  return marks;
}

export function task(part: Partial<TaskView>): TaskView {
  const marks = part.marks ?? [null, null, null, null, null];
  const computing = phasesOf(marks).find(({ name }) => name === "computing");
  return {
    id: "bgnu9i6st2qk9ocghu6w81v5t",
    status: "computation-started",
    alias: "In Progress",
    status_group: "run",
    is_terminal: false,
    can_kill: true,
    simulator: "reef3d",
    submitted: marks[0] ?? now,
    started: marks[1] ?? null,
    computation: {
      seconds: computing?.end ? (computing.end - computing.start) / second : null,
      since: computing?.end === null ? computing.start : null,
    },
    machine_type: "c2d-standard-16",
    cost_usd: null,
    cost_rate: null,
    marks,
    project: "dam-break",
    queue_ahead: null,
    meaning: "The simulator is running.",
    commands: [],
    failure: null,
    has_outputs: false,
    output_files: null,
    output_bytes: null,
    metric: null,
    console_url: "https://console.inductiva.ai/tasks/bgnu9i6st2qk9ocghu6w81v5t",
    ...part,
  };
}

const ended = { is_terminal: true, can_kill: false };

export const queued = task({
  id: "9k2vt0q6sxw7b1cz4mhe8r3pa",
  status: "submitted",
  alias: "In Queue",
  status_group: "wait",
  simulator: "openfoam",
  meaning: "The task waits for a machine.",
  machine_type: null,
  marks: phases([["queue", 40]], true),
});
export const queuedBehind: TaskView = { ...queued, queue_ahead: 2 };
export const preparing = task({
  status: "started",
  alias: "Preparing to Compute",
  marks: phases(
    [
      ["queue", 50],
      ["preparing", 9],
    ],
    true,
  ),
});
const computing: [PhaseName, number][] = [
  ["queue", 50],
  ["preparing", 16],
  ["computing", 277],
];
export const running = task({
  cost_usd: 0.31,
  marks: phases(computing, true),
  commands: [
    {
      command: "/DIVEMesh/bin/DiveMESH",
      elapsed: { seconds: 2.4, since: null },
      ok: true,
      exit_code: 0,
    },
    {
      command: "mpirun -np 16 /REEF3D/bin/REEF3D",
      elapsed: { seconds: null, since: now - 274 * second },
      ok: null,
      exit_code: null,
    },
  ],
});
export const finalizing = task({
  status: "computation-ended",
  alias: "Finalizing",
  cost_usd: 0.34,
  marks: phases([...computing, ["finalizing", 4]], true),
});
export const success = task({
  ...ended,
  id: "n7pbtxunxqzuca6nwe9v0gn75",
  status: "success",
  alias: "Success",
  status_group: "ok",
  simulator: "splishsplash",
  meaning: "Finished successfully. Outputs are ready.",
  machine_type: "c2-standard-16",
  cost_usd: 0.096,
  marks: phases(
    [
      ["queue", 21],
      ["preparing", 4],
      ["computing", 10.2],
      ["finalizing", 3],
    ],
    false,
    now - 86400 * second,
  ),
  commands: [
    {
      command: "/SPlisHSPlasH_CPU/bin/SPHSimulator config.json --no-gui --output-dir .",
      elapsed: { seconds: 10.2, since: null },
      ok: true,
      exit_code: 0,
    },
  ],
  has_outputs: true,
  output_files: 12,
  output_bytes: 1_760_936_591,
});
export const failed = task({
  ...ended,
  id: "3m3u1z7rypt0o302ci6x49f46",
  status: "failed",
  alias: "Failed",
  status_group: "bad",
  simulator: "swmm",
  cost_usd: 0.011,
  marks: phases(
    [
      ["queue", 1.4],
      ["preparing", 0.6],
      ["computing", 1],
    ],
    false,
  ),
  has_outputs: true,
  output_files: 3,
  failure: {
    title: "The command ended with exit code 1.",
    detail:
      "runswmm model.inp model.rpt\nERROR 209: undefined object J44 at line 82 of [XSECTIONS] section",
    advice: "Read the last lines of stderr.txt and stdout.txt, correct the input files, run again.",
    last_words: [
      { name: "stderr.txt", text: "ERROR 209: undefined object N17\n  in line 41 of [CONDUITS]" },
    ],
  },
  commands: [
    {
      command: "runswmm model.inp model.rpt",
      elapsed: { seconds: 0.9, since: null },
      ok: false,
      exit_code: 1,
    },
  ],
});
export const killed = task({
  ...ended,
  id: "x0c5m8e2w1q9z7r4t6y3u1i8o",
  status: "killed",
  alias: "Killed",
  status_group: "off",
  simulator: "swash",
  meaning: "The task was killed by the user.",
  machine_type: "c3d-highcpu-90",
  cost_usd: 4.82,
  marks: phases(
    [
      ["queue", 240],
      ["preparing", 30],
      ["computing", 4329],
    ],
    false,
  ),
});
export const pendingKill: TaskView = {
  ...running,
  status: "pending-kill",
  alias: "Pending Kill",
  status_group: "off",
  can_kill: false,
  meaning: "The kill was asked for and is on its way to the machine.",
};
export const unknown: TaskView = {
  ...running,
  status: "brand-new-status",
  alias: "brand-new-status",
  status_group: "unknown",
  meaning: "The service reports a status that this version does not know.",
};
const long = "a-very-long-name-".repeat(600);
export const hostile = task({
  ...ended,
  id: `\u202edesrever-${long}`,
  status: "failed",
  alias: `<b>Failed</b> ${long}`,
  status_group: "bad",
  simulator: `<img src=x onerror=alert(1)> ${long}`,
  project: `\u202eproject\u0007\u0000 ${long}`,
  machine_type: long,
  marks: phases(
    [
      ["queue", 1],
      ["computing", 1e7],
    ],
    false,
  ),
  failure: {
    title: `<script>alert(1)</script> ${long}`,
    detail: `\u0000\u001b[31m${long}`,
    advice: "",
    last_words: [],
  },
  commands: [
    { command: `rm -rf "${long}"`, elapsed: { seconds: -4, since: null }, ok: false, exit_code: 1 },
  ],
  console_url: "javascript:alert(1)",
  has_outputs: true,
  output_files: 1e9,
});

export const download: DownloadView = {
  phase: "running",
  bytes_done: 2_516_582,
  bytes_total: 4_089_446,
  files_done: 1,
  files_total: 2,
  speed: 42_991_616,
  eta: 1.2,
  files: [{ name: "energy.csv", done: 2_499_451, total: 3_984_588 }],
  path: null,
  error: null,
};

const under = (name: string, done: number): FileProgressView => ({
  name,
  done,
  total: 246_960_000,
});
/** Of many files, eight at once. */
export const bigDownload: DownloadView = {
  ...download,
  bytes_done: 40_056_123,
  bytes_total: 400_621_466,
  files_done: 12,
  files_total: 258,
  eta: 8.6,
  files: [0.81, 0.64, 0.6, 0.22, 0.2, 0.11, 0.1, 0.02].map((share, i) =>
    under(`vtk/ParticleData_Fluid_${i + 11}.vtk`, share * 246_960_000),
  ),
  path: "/home/ada/dam-break/inductiva_output/n7pbtxunxqzuca6nwe9v0gn75/outputs",
};
const longName = "a_folder_whose_name_says_everything_about_the_case/".repeat(4);
/** Of several tasks: the first folder is the task. */
export const severalDownload: DownloadView = {
  ...bigDownload,
  files_done: 1_204,
  files_total: 3_096,
  bytes_done: 5.1e9,
  bytes_total: 1.7e10,
  eta: 287,
  files: [
    under("n7pbtxunxqzuca6nwe9v0gn75/vtk/ParticleData_Fluid_118.vtk", 9e7),
    under(`3m3u1z7rypt0o302ci6x49f46/${longName}velocity_and_pressure_0042.vtu`, 2e8),
    under(`\u202e<img src=x onerror=alert(1)>/${longName}`, 6e6),
    under("x.csv", 2.4e8),
    under("y.csv", 1),
  ],
};

/** Has a download pass by, of files small and large, as the engine tells of it. */
export function play(model: { get(key: string): unknown; set(key: string, value: unknown): void }) {
  let next = 0;
  let whole = 0;
  let active: FileProgressView[] = [];
  const fresh = (): FileProgressView => {
    next += 1;
    const isLarge = next % 5 === 0;
    const total = isLarge ? 20_000_000 : 700_000;
    return { name: `vtk/ParticleData_Fluid_${next}.vtk`, done: 0, total };
  };
  setInterval(() => {
    if ((model.get("download") as DownloadView).phase !== "running") return;
    const grown = active.map((file) => ({ ...file, done: file.done + 400_000 }));
    active = grown.filter(({ done, total }) => done < total);
    whole = (whole + grown.length - active.length) % 258;
    while (active.length < 8) active.push(fresh());
    model.set("download", {
      ...bigDownload,
      files_done: whole,
      bytes_done: Math.floor((whole / 258) * 400_621_466),
      speed: 4.1e7 + 3e6 * Math.sin(next),
      eta: (258 - whole) / 27,
      files: active,
    });
  }, 100);
}

const sizes: [string, number, number][] = [
  ["stdout.txt", 141_558, 17_131],
  ["stderr.txt", 191, 96],
  ["energy.csv", 3_984_588, 3_785_359],
  ["system_metrics.csv", 8_192, 1_204],
  ["log/SPH_log.txt", 2_516_582, 317_440],
];
export const files: FileView[] = [
  ...sizes.map(([name, size, compressed]) => ({ name, size, compressed })),
  ...Array.from({ length: 7 }, (_, i) => ({
    name: `vtk/ParticleData_Fluid_${i + 1}.vtk`,
    size: 246_960_000 + i * 9_000,
    compressed: 156_500_000 + i * 4_000,
  })),
];

/** Files in folders, a third of a thousand each. */
export function many(count: number): FileView[] {
  const size = (i: number) => 3e5 + ((i * 7919) % 1000) * 4e3;
  return Array.from({ length: count }, (_, i) => {
    const name =
      i < 5 ? (sizes[i]?.[0] ?? "") : `case_${1 + Math.floor(i / 334)}/vtk/step_${i}.vtk`;
    return { name, size: size(i), compressed: Math.floor(size(i) / 3) };
  });
}

const names = [
  "plain.txt",
  "<img src=x onerror=alert(1)>.txt",
  "\u202egnp.exe\u202c.png",
  "quotes \"double\" 'single' `back`.csv",
  "controls \u0000\u0007\u001b[31m\n two lines.txt",
  "..\\..\\windows\\system32",
  "../../etc/passwd",
  "/etc/shadow",
  "a//b///c.txt",
  `deep/${"d/".repeat(60)}file.txt`,
  `${"long-name-".repeat(30)}.vtk`,
  `folder ${"\u05e9\u05dc\u05d5\u05dd ".repeat(10)}/\u0645\u0644\u0641.csv`,
  "javascript:alert(1)",
];
export const hostileFiles: FileView[] = names.map((name, i) => ({
  name,
  size: i % 4 === 3 ? null : 10 ** i,
  compressed: i % 5 === 3 ? null : 9 ** i,
}));

export const previewable: FileView[] = [
  "text.log",
  "state.json",
  "plot.png",
  "frame.bin",
  "empty.txt",
  "damaged.txt",
  "waits.txt",
].map((name) => ({ name, size: 1_760_936_591, compressed: 620_000_000 }));

const lines = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");

function plot(): string {
  const canvas = Object.assign(document.createElement("canvas"), { width: 900, height: 420 });
  const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
  pen.strokeStyle = "#0b62c4";
  pen.lineWidth = 3;
  for (let x = 0; x < 900; x += 1) pen.lineTo(x, 210 + 160 * Math.sin(x / 60) * Math.exp(-x / 500));
  pen.stroke();
  return canvas.toDataURL().split(",")[1] ?? "";
}

function look({ name }: { name: string }): PreviewView {
  const base = { name, size: 1_760_936_591, note: "first 256 KiB of 1.64 GiB" };
  if (name === "waits.txt") return undefined as never;
  if (name === "damaged.txt") throw new Error("damaged.txt: its data are damaged");
  if (name === "empty.txt") return { ...base, kind: "none", size: 0, note: "The file is empty." };
  if (name === "state.json")
    return { ...base, kind: "json", note: "", text: JSON.stringify(success, null, 2) };
  if (name === "plot.png")
    return { ...base, kind: "image", note: "", mime: "image/png", data: plot() };
  if (name === "frame.bin") {
    const hex = (i: number) =>
      `${(i * 16).toString(16).padStart(8, "0")}  23 20 76 74 6b 20 44 61  74 61 46 69 6c 65 0a 00  |# vtk DataFile..|`;
    return {
      ...base,
      kind: "hex",
      note: "No text: first 4 KiB of 1.64 GiB",
      text: lines(256, hex),
    };
  }
  if (name === "energy.csv") {
    const columns = ["t", "kinetic", "potential", "<b>note</b>", "total"];
    const rows = Array.from({ length: 200 }, (_, i) => [
      (i / 10).toFixed(1),
      (9.81 * i).toFixed(4),
      (1e4 / (i + 1)).toExponential(3),
      i % 3 ? "" : "restart \u202eelif",
      String(i * i),
    ]);
    return { ...base, kind: "table", note: "first 200 of 3,840 rows", columns, rows };
  }
  const line = (i: number) =>
    `[${i}] time step ${i} converged after ${i % 7} iterations, residual 1e-${i % 9} ${i % 11 ? "" : "and a very long explanation of what went on ".repeat(6)}`;
  return { ...base, kind: "text", text: lines(400, line) };
}
/** Answers of the kernel when a file is looked into; that about `waits.txt` never comes. */
export const looks: Handlers = { preview: look };

type Kind = [string, string, StatusGroupKey, string, string | null];
const kinds: Kind[] = [
  ["computation-started", "In Progress", "run", "reef3d", "c2d-standard-16"],
  ["submitted", "In Queue", "wait", "openfoam", null],
  ["success", "Success", "ok", "splishsplash", "c2-standard-16"],
  ["failed", "Failed", "bad", "swmm", "c2d-standard-16"],
  ["killed", "Killed", "off", "swash", "c3d-highcpu-90"],
  ["started", "Preparing to Compute", "run", "openfoam-foundation", "c2d-highcpu-112"],
  ["executer-terminated-credits-exhausted", "Credits Exhausted", "bad", "gromacs", "n2-standard-8"],
  ["brand-new", "brand-new", "unknown", "cans", null],
];

/** The n-th line of a list of any length; the first are of every kind, later ones have ended. */
export function row(index: number): RowView {
  const ends = index < kinds.length ? index : 2 + ((index * 7) % 3);
  const [status, alias, group, simulator, machine] = kinds[ends] as Kind;
  const isLive = group === "run" || group === "wait" || group === "unknown";
  const parts: [PhaseName, number][] =
    group === "wait"
      ? [["queue", 95]]
      : status === "started"
        ? [
            ["queue", 30],
            ["preparing", 12],
          ]
        : [
            ["queue", 20 + ((index * 13) % 60)],
            ["preparing", 8],
            ["computing", 10 + ((index * 37) % 300)],
          ];
  if (group === "ok") parts.push(["finalizing", 6]);
  const marks = phases(parts, isLive, isLive ? now : now - index * 5e6);
  const seed = (index + 1) * 2654435761;
  const id = seed.toString(36).padStart(9, "k").repeat(3).slice(0, 25);
  const { computation, submitted, started } = task({ marks });
  return {
    id,
    status,
    alias,
    status_group: group,
    simulator,
    machine_type: machine,
    computation,
    submitted,
    started,
    marks,
    project: index % 3 === 0 ? null : "dam-break",
    cost_rate: null,
    output_files: isLive ? null : 12 + (index % 5),
    output_bytes: isLive ? null : 1e6 * (1 + (index % 900)),
    is_terminal: !isLive,
    can_kill: isLive,
    cost_usd: machine === null ? null : ((index * 31) % 500) / 97,
    has_outputs: !isLive && machine !== null,
    metric: null,
  };
}

/** What may come over the wire instead of names. */
export function hostileRow(index: number): Partial<RowView> {
  const { id, alias, simulator, project, machine_type } = hostile;
  const parts: Partial<RowView>[] = [
    { id: `${id}0`, alias, simulator, project, machine_type },
    { simulator: "\u202ereef3d", project: "\u202etfel ot thgir" },
    { simulator: "<img src=x onerror=alert(1)>", machine_type: "<script>alert(1)</script>" },
    { simulator: "a\u0000b\u0007c\u001b[31md\ne\tf", project: "" },
    {
      simulator: "\u05e9\u05dc\u05d5\u05dd 123 \u0645\u0631\u062d\u0628\u0627",
      alias: "x".repeat(10_000),
    },
    { cost_usd: 1e12, marks: [0, 1, 2, 3, 8.64e15], submitted: 0, started: -1e15 },
  ];
  return parts[index] ?? {};
}
