/** Mounts the built bundle in every state: `#dark`, `#bare` (no notebook theme), `#only=text`. */
import type {
  DownloadPhase,
  DownloadView,
  FileView,
  OutputsView,
  PollStatusView,
  QueryView,
  TaskListTraits,
  TaskTraits,
  TaskView,
} from "../src/contract";
import { viewOfRow } from "../src/list/useOpenCards";
import * as cards from "./cards";
import { listOf } from "./kernel";
import * as live from "./live";
import { GalleryModel, type Handlers } from "./model";
import * as states from "./states";

// The bundle as Python hands it out; the address is no module of ours, hence the variable.
const address = "./widget.js";
const { default: widget } = await import(address);

const isDark = location.hash.includes("dark");
if (!location.hash.includes("bare")) document.body.dataset.jpThemeLight = String(!isDark);
const only = /only=([^&]*)/.exec(decodeURIComponent(location.hash))?.[1] ?? "";
const main = document.getElementsByTagName("main")[0] as HTMLElement;

function show(title: string, model: GalleryModel, then?: (el: HTMLElement) => void): void {
  if (!title.includes(only)) return;
  const heading = document.createElement("h2");
  heading.textContent = title;
  const el = document.createElement("div");
  el.dataset.state = title;
  main.append(heading, el);
  widget.render({ model, el });
  then?.(el);
}

const outputs = (): OutputsView => ({ archive_size: 1.1e9, files: states.files });
const turn = (phase: DownloadPhase) => (_: unknown, model: GalleryModel) => {
  const eta = phase === "running" ? 8.6 : null;
  model.set("download", { ...(model.get("download") as DownloadView), phase, eta });
  return null;
};
const handlers: Handlers = {
  ...cards.logOf(cards.plainLog(400), cards.errorLog),
  outputs,
  kill: ({ task_id }, model) => {
    const view = model.get("view") as TaskView | undefined;
    if (view?.id === task_id) model.set("view", { ...states.pendingKill, id: task_id });
    return null;
  },
  download: (_, model) => {
    model.set("download", states.download);
    return null;
  },
  pause_download: turn("paused"),
  resume_download: turn("running"),
  cancel_download: turn("cancelled"),
};

function card(view: TaskView, part: Partial<TaskTraits> = {}, more: Handlers = {}): GalleryModel {
  const traits: TaskTraits = {
    kind: "task",
    view,
    log_metrics: null,
    notify: false,
    download: null,
    poll_status: states.feed,
    ...part,
  };
  return new GalleryModel(traits, { ...handlers, ...more });
}

/** Clicks the first button, tab or box of that name, as soon as it is there. */
const click =
  (...names: string[]) =>
  (el: HTMLElement): void => {
    const [name, ...rest] = names;
    if (name === undefined) return;
    const find = () =>
      [...el.querySelectorAll<HTMLElement>("button, input")].find((node) =>
        [node.ariaLabel, node.textContent, (node as HTMLInputElement).labels?.[0]?.textContent]
          .join(" ")
          .includes(name),
      );
    const wait = setInterval(() => {
      const node = find();
      if (node === undefined) return;
      clearInterval(wait);
      node.click();
      click(...rest)(el);
    }, 30);
  };

const offline: PollStatusView = {
  ...states.feed,
  updated: states.now - 40_000,
  offline_since: states.now - 30_000,
  error: "The service does not answer.",
};

show("card queued", card(states.queued));
show("card queued with position", card(states.queuedBehind));
show("card preparing", card(states.preparing));
show("card running", card(states.running));
show("card running, kill asked", card(states.running), click("Kill"));
show(
  "card running, kill refused",
  card(
    states.running,
    {},
    {
      kill: () => {
        throw new Error("The task has already ended.");
      },
    },
  ),
  click("Kill", "Confirm kill"),
);
show(
  "card running, kill sent to a busy kernel",
  new GalleryModel({
    kind: "task",
    view: states.running,
    download: null,
    poll_status: states.feed,
  }),
  click("Kill", "Confirm kill"),
);
show("card running, details", card(states.running), click("Details"));
show("card finalizing", card(states.finalizing));
show("card success", card(states.success));
show(
  "card success, outputs",
  card(states.success),
  click("Outputs", "Select energy.csv", "Select stdout.txt"),
);
show("card success, details", card(states.success), click("Details"));
show(
  "card download running",
  card(states.success, { download: states.download }),
  click("Outputs"),
);
show("card download of many files", card(states.success, { download: states.bigDownload }));
show(
  "card download starting",
  card(states.success, {
    download: {
      ...states.download,
      bytes_done: 0,
      bytes_total: null,
      files_done: 0,
      files_total: null,
      files: [],
      speed: 0,
      eta: null,
    },
  }),
);
show(
  "card download of unknown size",
  card(states.success, {
    download: {
      ...states.download,
      bytes_total: null,
      files_total: 1,
      files_done: 0,
      files: [],
      eta: null,
    },
  }),
);
const paused: DownloadView = { ...states.bigDownload, phase: "paused", speed: 0, eta: null };
show("card download paused", card(states.success, { download: paused }), click("Resume", "Pause"));
show(
  "card download waiting",
  card(states.success, { download: { ...paused, phase: "waiting", bytes_done: 0, files_done: 0 } }),
);
show(
  "card download cancelled",
  card(states.success, { download: { ...states.bigDownload, phase: "cancelled" } }),
);
show(
  "card download done",
  card(states.success, {
    download: { ...states.bigDownload, phase: "done", bytes_done: 400_621_466, files_done: 258 },
  }),
);
const failedDownload: DownloadView = {
  ...states.bigDownload,
  phase: "failed",
  error: {
    title: "The download failed",
    detail:
      "There is not enough space on the disk: the files need 1.64 GiB, and /home/ada has 0.20 GiB left. Free some space, or choose fewer files.",
    report: "The download failed: DownloadError: need 1760936591, have 214748364",
  },
};
show("card download failed", card(states.success, { download: failedDownload }));

const waited = (download: DownloadView, title = "Outputs of task n7pbtxunxqzuca6nwe9v0gn75") =>
  new GalleryModel({ kind: "download", title, download }, handlers);
show("download in a cell", waited(states.bigDownload));
show("download in a cell, of several tasks", waited(states.severalDownload, "Outputs of 12 tasks"));
show("download in a cell, paused", waited(paused));
show("download in a cell, cancelled", waited({ ...states.bigDownload, phase: "cancelled" }));
show("download in a cell, failed", waited(failedDownload));
show(
  "download in a cell, done",
  waited({ ...states.bigDownload, phase: "done", bytes_done: 400_621_466, files_done: 258 }),
);
const moving = waited(states.bigDownload);
show("download in a cell, moving", moving);
if ("download in a cell, moving".includes(only)) states.play(moving);
show("card failed", card(states.failed));
show("card killed", card(states.killed));
show("card pending kill", card(states.pendingKill));
show("card unknown status", card(states.unknown));
show("card offline", card(states.running, { poll_status: offline }));
show(
  "card saved long ago, no kernel",
  card(states.running, {
    poll_status: { ...states.feed, updated: states.now - 9e4 },
  }),
);
show("card hostile", card(states.hostile), click("Details"));
const shown = (title: string, outputs: () => OutputsView, then = click("Outputs")): void =>
  show(title, card(states.success, {}, { ...states.looks, outputs }), then);
const listed = (files: FileView[]) => () => ({ archive_size: null, files });
const looked = click("Outputs", "Expand all");
shown(
  "outputs, tree",
  listed(states.many(840)),
  click("Outputs", "Select case_1/", "Select energy.csv"),
);
shown("outputs, expanded", listed(states.many(840)), looked);
shown("outputs, flat", listed(states.many(840)), click("Outputs", "Flat", "Select energy.csv"));
shown("outputs, search", listed(states.many(840)), (el) => {
  click("Outputs")(el);
  const wait = setInterval(() => {
    const box = el.querySelector<HTMLInputElement>("input[type=search]");
    if (box === null) return;
    clearInterval(wait);
    box.value = "*_1?.vtk";
    box.dispatchEvent(new Event("input"));
  }, 30);
});
for (const name of [
  "text.log",
  "state.json",
  "energy.csv",
  "plot.png",
  "frame.bin",
  "empty.txt",
  "damaged.txt",
  "waits.txt",
]) {
  shown(
    `outputs, preview of ${name}`,
    listed([...states.files, ...states.previewable]),
    click("Outputs", `Preview ${name}`),
  );
}
shown("outputs of 5,000 files", listed(states.many(5_000)), click("Outputs", "Expand all"));
shown("outputs of 100,000 files", listed(states.many(100_000)), click("Outputs", "Expand all"));
shown(
  "outputs hostile",
  listed(states.hostileFiles),
  click("Outputs", `Preview ${states.hostileFiles[1]?.name}`),
);
shown("outputs empty", listed([]));
shown("outputs, listing fails", () => {
  throw new Error("The output files could not be listed");
});
show(
  "outputs widget",
  new GalleryModel(
    {
      kind: "outputs",
      id: "x",
      title: "Outputs of task n7pbtxunxqzuca6nwe9v0gn75",
      download: states.bigDownload,
      chosen: ["vtk/"],
    },
    { ...handlers, ...states.looks },
  ),
);

for (const view of cards.statuses) show(`card ${view.status}`, card(view));
show("card failed, log", card(states.failed), click("Show the whole log"));
show("card ticking cost", card({ ...states.running, cost_usd: 0.31, cost_rate: 0.31 / 277 }));

show("live residuals", card(states.running, { log_metrics: live.residuals }));
show("live residuals, all", card(states.running, { log_metrics: live.residuals }), click("more"));
show(
  "live residuals, chart",
  card(states.running, { log_metrics: live.residuals }),
  click("Chart of p"),
);
show(
  "live residuals, chart of all",
  card(states.running, { log_metrics: live.residuals }),
  click("Chart of p", "All 6"),
);
show("live nan", card(states.running, { log_metrics: live.diverged }));
show("live nan, chart", card(states.running, { log_metrics: live.diverged }), click("Chart of Ux"));
show(
  "live nan, chart of all",
  card(states.running, { log_metrics: live.diverged }),
  click("Chart of Ux", "All"),
);
show("live never finite", card(states.running, { log_metrics: live.neverFinite }));
show("live progress", card(states.running, { log_metrics: live.progress, notify: true }));
show(
  "live progress, chart",
  card(states.running, { log_metrics: live.progress }),
  click("Chart of timestep"),
);
const metered = card(states.running, { log_metrics: live.progress });
show("live moving", metered);
if ("live moving".includes(only)) {
  let tick = 0;
  setInterval(() => {
    tick += 1;
    metered.set("live", live.next(live.progress, tick));
    metered.set("feed", { ...states.feed, updated: Date.now() });
  }, 1_000);
}
show(
  "live no value yet",
  card(states.running, { log_metrics: { ...live.residuals, series: [], samples: 0 } }),
);
show(
  "live quiet for 3 min",
  card(states.running, { log_metrics: { ...live.progress, last_output: states.now - 190_000 } }),
);
show(
  "live stale for 12 min",
  card(states.running, { log_metrics: { ...live.progress, last_output: states.now - 720_000 } }),
);
show(
  "live error",
  card(states.running, {
    log_metrics: {
      ...live.odd,
      error: {
        title: "The expression took too long",
        detail: "A look at a line took more than 50 ms. Anchor it, or make it simpler.",
        report: "timeout",
      },
    },
  }),
);
show(
  "live note",
  card(states.running, {
    log_metrics: {
      ...live.residuals,
      note: "residual > 1e3 for 20 samples: the task was asked to end at 17:16:17.",
    },
  }),
);
show(
  "live ended",
  card(states.success, { log_metrics: { ...live.progress, progress: 1, can_grow: false } }),
);
show("files", card(states.running, { log_metrics: live.progress }, live.filling()), click("Files"));
show(
  "files, a folder open",
  card(states.running, {}, live.filling()),
  click("Files", "REEF3D_Log", "REEF3D_CFD"),
);
show(
  "files, one of them",
  card(states.running, {}, live.filling()),
  click("Files", "Show stdout.txt"),
);
show("files of the real service", card(states.running, {}, live.filling(true)), click("Files"));
show(
  "files, none",
  card(
    states.running,
    {},
    {
      files: () => ({
        files: [],
        more: 0,
        as_of: states.now,
        note: "The files of a running task need the extra [live]: pip install 'inductiva_widgets[live]'.",
      }),
    },
  ),
  click("Files"),
);

const log = (title: string, view: TaskView, more: Handlers, ...then: string[]) =>
  show(`log ${title}`, card(view, {}, more), click("Log", ...then));
log("running", states.running, cards.logOf(cards.plainLog(400), "", cards.nextStep));
log("ended", states.success, cards.logOf(cards.plainLog(40_000), cards.errorLog));
log("short", states.success, cards.logOf("Done.\n"), "stderr");
log("in colours", states.success, cards.logOf(cards.colourLog));
log(
  "of a progress bar",
  states.running,
  cards.logOf(cards.progressLog, "", () => ""),
);
for (const [title, text] of Object.entries(cards.floods)) {
  const name = `log flooded by ${title}`;
  // Costly to make, so only when it is looked at.
  if (name.includes(only))
    show(name, card(states.running, {}, cards.floodOf(text())), click("Log"));
}
log("of long lines", states.success, cards.logOf(cards.wideLog));
log("of long lines, not wrapped", states.success, cards.logOf(cards.wideLog), "Wrap");
log(
  "not begun",
  states.queued,
  cards.logNote("The task waits in the queue: its log begins with the computation."),
);
log("of a task that left nothing", states.running, cards.logTaken(cards.plainLog(30)));
log(
  "of the real service while it runs",
  states.running,
  cards.logNote("The service gives the log once the task has ended."),
);
log("that cannot be read", states.success, {
  log: () => {
    throw new Error("The log could not be read");
  },
});
show("log searched", card(states.success, {}, cards.logOf(cards.plainLog(400))), (el) => {
  click("Log")(el);
  const wait = setInterval(() => {
    const input = el.querySelector<HTMLInputElement>("[type=search]");
    if (input === null) return;
    clearInterval(wait);
    input.value = "simtime: 1.";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }, 30);
});

function list(
  total: number,
  part: Partial<TaskListTraits> = {},
  query: Partial<QueryView> = {},
  make = states.row,
  more: Handlers = {},
): GalleryModel {
  const rows = Array.from({ length: total }, (_, index) => make(index));
  const handlers: Handlers = {
    outputs,
    open: ({ task_id }) => {
      const known = rows.find(({ id }) => id === task_id);
      if (known === undefined) throw new Error("The task is not known.");
      const base = known.status_group === "bad" ? states.failed : states.success;
      const { failure, commands, meaning } = known.is_terminal ? base : states.running;
      return {
        view: { ...viewOfRow(known), failure, commands, meaning },
        log_metrics: null,
        download: null,
      };
    },
    close: () => null,
    kill: () => null,
    download: ({ task_id }, model) => {
      model.push({ push: "download", task_id, download: states.download });
      return null;
    },
    pause_download: turn("paused"),
    resume_download: turn("running"),
    cancel_download: turn("cancelled"),
    ...more,
  };
  return listOf(rows, part, handlers, query);
}

/** As narrow as a notebook beside a side bar. */
const narrow = (el: HTMLElement) => {
  el.style.maxWidth = "700px";
};
const scrollTo = (top: number) => (el: HTMLElement) => {
  const wait = setInterval(() => {
    const grid = el.querySelector("[role=grid]");
    if (grid?.parentElement == null) return;
    clearInterval(wait);
    grid.parentElement.scrollTop = top;
  }, 30);
};
const task = (index: number) => `task ${states.row(index).id}`;
const filters: QueryView["filters"] = {
  simulator: { values: ["reef3d", "openfoam", "splishsplash"] },
  cost_usd: { min: 0, max: 4 },
};

show("list of 8", list(8, { is_demo: true }));
const metrics: Partial<TaskListTraits> = {
  columns: [
    "status",
    "simulator",
    "task_id",
    "computation_time",
    "phases",
    "metric",
    "machine_type",
    "cost_usd",
  ],
};
const watched = (index: number) => ({ ...states.row(index), metric: live.metric(index) });
show("list with metrics", list(8, metrics, {}, watched));
show("list with metrics, narrow", list(8, metrics, {}, watched), (el) => narrow(el));
show("list of 8, narrow", list(8, { is_demo: true }), narrow);
show("list with an open card", list(8), click(`Show ${task(2)}`, "Outputs 12"));
show("list with two open cards", list(8), click(`Show ${task(0)}`, `Show ${task(3)}`));
show("list of 100,000", only === "" || "list of 100,000".includes(only) ? list(100_000) : list(9));
show("list, kill asked and download running", list(8), click("Kill", "Download outputs"));
show("list filtered", list(500, {}, { search: "standard", status_groups: ["ok", "run"], filters }));
show("list sorted by cost", list(500, {}, { sort: { key: "cost_usd", descending: true } }));
show("list grouped", list(60, {}, { group: "simulator", collapsed: ["=splishsplash"] }));
const range = (count: number) =>
  Array.from({ length: count }, (_, index) => `Select ${task(index)}`);
const some = [`Select ${task(0)}`, `Select ${task(2)}`, `Select ${task(5)}`];
show("list, some selected", list(60), click(...some));
show("list, some selected, narrow", list(60), (el) => {
  narrow(el);
  click(...some)(el);
});
show("list, kill of some asked", list(60), click(...some, "Kill 2"));
show("list, download of some", list(60), click(...some, "Download 1"));
const compare = click(...some, "Compare");
show("compare", list(60), compare);
show("compare, narrow", list(60), (el) => {
  narrow(el);
  compare(el);
});
const ended = [2, 9, 12, 15].map((place) => `Select ${task(place)}`);
show("compare of two", list(60), click(...ended.slice(1, 3), "Compare"));
show("compare, with the same", list(60), click(...ended, "Compare", "Show what is the same"));
show("compare of many", list(60), click(...range(20), "Compare"));
show(
  "compare on its way",
  list(60, {}, {}, states.row, { compare: () => undefined as never }),
  compare,
);
show(
  "compare refused",
  list(60, {}, {}, states.row, {
    compare: () => {
      throw new Error("The tasks could not be compared");
    },
  }),
  compare,
);
show("list, all selected", list(60), click("Select all tasks"));
show("list, columns menu", list(60), click("Columns"));
show("list, filter of values", list(60), click("Filter Simulator"));
show("list, filter of a range", list(60), click("Filter Cost"));
show("list, filter of a time", list(60), click("Filter Started"));
show(
  "list, all columns",
  list(60, {
    columns: [
      "simulator",
      "status",
      "project",
      "ended",
      "queue_time",
      "total_time",
      "output_files",
      "output_bytes",
      "cost_usd",
    ],
  }),
);
const timeline: Partial<TaskListTraits> = { mode: "timeline" };
show("timeline of 8", list(8, timeline));
show("timeline of 8, narrow", list(8, timeline), narrow);
show("timeline, visible tasks", list(500, timeline), click("Visible tasks"));
show(
  "timeline zoomed, a card open",
  list(30, timeline),
  click("Zoom in", "Zoom in", "Zoom in", `Show ${task(2)}`),
);
show("timeline grouped", list(60, timeline, { group: "simulator" }));
show(
  "timeline of 100,000",
  only === "" || "timeline of 100,000".includes(only) ? list(100_000, timeline) : list(9),
  scrollTo(1_600_000),
);
show("list, nothing matches", list(60, {}, { search: "no such thing" }));
show("list empty", list(0));
show("list offline", list(3, { poll_status: offline }));
show(
  "list hostile",
  list(6, {}, { group: "project" }, (index) => ({
    ...states.row(index),
    ...states.hostileRow(index),
  })),
);
show(
  "timeline hostile",
  list(6, timeline, {}, (index) => ({ ...states.row(index), ...states.hostileRow(index) })),
);
const unanswered = list(60);
unanswered.silence();
show("list without a kernel", unanswered);
