import { act } from "preact/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import { describeEnd, formatValue, pathOf, percentOf, scaleOf } from "../src/chart_format";
import type { LogMetricsView, SeriesView } from "../src/contract";
import { ticksOf } from "../src/panels/axis_ticks";
import {
  byRole,
  click,
  closeAll,
  done,
  FakeHost,
  feed,
  later,
  NOW,
  one,
  press,
  show,
  task,
} from "./host";

afterEach(closeAll);

const series = (name: string, part: Partial<SeriesView> = {}): SeriesView => ({
  name,
  last: 2.5e-4,
  non_finite: "",
  low: 2.5e-4,
  high: 1,
  points: [
    [0, 1],
    [2_000, 0.01],
    [4_000, 2.5e-4],
  ],
  gaps: [],
  extent: [0, 4_000],
  is_log: true,
  ...part,
});
const live = (part: Partial<LogMetricsView> = {}): LogMetricsView => ({
  source: "OpenFOAM residuals",
  series: [series("residual")],
  samples: 4_000,
  progress: null,
  ends: null,
  last_output: NOW,
  can_grow: true,
  conditions: [],
  note: "",
  error: null,
  ...part,
});
const card = (part: Partial<LogMetricsView> = {}, traits: object = {}) =>
  new FakeHost({
    kind: "task",
    view: task(),
    log_metrics: live(part),
    notify: false,
    download: null,
    poll_status: feed(),
    ...traits,
  });

describe("values", () => {
  it.each<[number | null, string]>([
    [1.2e-5, "1.2e-05"],
    [2.5e-4, "2.5e-04"],
    [0.0042, "0.0042"],
    [12.3456, "12.35"],
    [125_000, "125,000"],
    [-3, "-3"],
    [1.5e12, "1.5e+12"],
    [null, "–"],
  ])("%s is written %s", (value, text) => expect(formatValue(value)).toBe(text));
  it("are at 100 % only when all is done", () => {
    expect([0.999, 1, 0.29, -1].map(percentOf)).toEqual(["99%", "100%", "29%", "0%"]);
  });
  it.each<[number, string]>([
    [171_000, "ends in 3 min"],
    [42_000, "ends in 42 s"],
    [7_300_000, "ends in 2 h 2 min"],
    [-1, "about to end"],
  ])("that end in %s ms are told as %s", (ms, text) =>
    expect(describeEnd(NOW + ms, NOW)).toBe(text),
  );
});

describe("a line", () => {
  const box = { width: 100, height: 10 };
  const draw = (values: number[], isLog = false) => {
    const x = scaleOf([...values.keys()], false);
    return pathOf([...values.entries()], { x, y: scaleOf(values, isLog) }, box);
  };
  it("shows its extremes at the edges", () => {
    expect(draw([0, 10, 5])).toBe("M0.0 10.0h0L50.0 0.0L100.0 5.0");
  });
  it("has equal steps for equal factors on a logarithmic scale", () => {
    expect(draw([100, 10, 1], true)).toBe("M0.0 0.0h0L50.0 5.0L100.0 10.0");
  });
  it("has gaps where there is no number, and none to draw at all without any", () => {
    expect(draw([0, Number.NaN, 1, Number.POSITIVE_INFINITY])).toBe("M0.0 10.0h0M66.7 0.0h0");
    expect(draw([1, 0, -5], true)).toBe("M0.0 5.0h0");
    expect(draw([Number.NaN])).toBe("");
  });
  it("falls back to a linear scale where nothing is above nought", () => {
    expect(draw([-2, -1], true)).toBe("M0.0 10.0h0L100.0 0.0");
  });
  it("stays in its box for the largest numbers there are", () => {
    expect(draw([-1.7e308, 1.7e308])).toBe("M0.0 10.0h0L100.0 0.0");
  });
});

describe("ticks", () => {
  it.each<[number[], boolean, number[]]>([
    [[0, 4_000], false, [0, 1_000, 2_000, 3_000, 4_000]],
    [[0.0036, 0.0048], false, [0.004, 0.0045]],
    [[1e-5, 1], true, [1e-5, 1e-3, 0.1]],
    [[2, 9], true, [2, 4, 6, 8]],
    [[7, 7], false, [7]],
    [[], false, []],
  ])("of %j, logarithmic: %s, are %j", (values, isLog, ticks) => {
    expect(ticksOf(scaleOf(values, isLog), 4)).toEqual(ticks);
  });
});

describe("metrics of a card", () => {
  it("are drawn, and told in words", async () => {
    const { el } = await show(card());
    one(el, "img", "residual: last 2.5e-04, from 2.5e-04 to 1, 4,000 samples, logarithmic");
    expect(one(el, "group", "Metrics").textContent).toContain("OpenFOAM residuals · 4,000 samples");
  });
  it("that are lost say since when, and their curve takes its share of the width", async () => {
    const lost = series("residual", {
      last: null,
      non_finite: "nan",
      points: [
        [1, 1],
        [40, 0.01],
        [41, null],
      ],
      gaps: [{ kind: "nan", start: 41, end: 500, text: "nan since step 41" }],
      extent: [1, 500],
    });
    const { el } = await show(card({ series: [lost], samples: 500 }));
    const told = "residual: last nan since step 41, from 2.5e-04 to 1, 500 samples, logarithmic";
    const drawing = one(el, "img", told);
    const paths = [...drawing.querySelectorAll("path")].map((path) => path.getAttribute("d"));
    // 39 of 499 steps over 300, and a band over the rest.
    expect(paths).toEqual(["M24.0 10h276.0", "M0.0 0.0h0L23.4 20.0", ""]);
    expect(drawing.parentElement?.textContent).toContain("nan since step 41");
    await click(one(el, "button", "Chart of residual"));
    const chart = one(el, "region", "Chart of residual");
    expect(chart.textContent).toContain("nan since step 41");
    const slider = one(chart, "slider", "Sample");
    expect(slider.getAttribute("aria-valuemax")).toBe("500");
    expect(slider.getAttribute("aria-valuetext")).toBe("Sample 500: residual nan");
    await press(slider, "Home");
    expect(slider.getAttribute("aria-valuetext")).toBe("Sample 1: residual 1");
  });
  it("that recovered are interrupted and have their last value", async () => {
    const points: [number, number | null][] = [
      [1, 1],
      [2, null],
      [4, 0.01],
    ];
    const gaps = [{ kind: "inf" as const, start: 2, end: 3, text: "inf for 2 samples" }];
    const { el } = await show(card({ series: [series("p", { points, gaps, extent: [1, 4] })] }));
    const drawing = one(el, "img", /^p: last 2.5e-04, inf for 2 samples, from/);
    expect(drawing.querySelectorAll("path")[1]?.getAttribute("d")).toBe("M0.0 0.0h0M300.0 20.0h0");
  });
  it("that are lost are never folded away", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const made = names.map((name) => series(name, name === "e" ? { non_finite: "inf" } : {}));
    const { el } = await show(card({ series: made }));
    expect(byRole(el, "img", /last/)).toHaveLength(5);
    one(el, "img", /^e: last inf/);
    await click(one(el, "button", "1 more"));
    expect(byRole(el, "img", /last/)).toHaveLength(6);
  });
  it("show what they are watched for", async () => {
    const conditions = [{ text: "Stops if p > 1", state: "p is 0.5, 3 of 20 samples" }];
    const { el } = await show(card({ conditions }));
    expect(one(el, "group", "Metrics").textContent).toContain("Stops if p > 1p is 0.5, 3 of 20");
  });
  it("are not there without anything to look for", async () => {
    const { el } = await show(card({}, { log_metrics: null }));
    expect(byRole(el, "group", "Metrics")).toHaveLength(0);
  });
  it("beyond the fourth are folded away", async () => {
    const names = ["Ux", "Uy", "Uz", "p", "k", "epsilon"];
    const { el } = await show(card({ series: names.map((name) => series(name)) }));
    expect(byRole(el, "img", /last/)).toHaveLength(4);
    await click(one(el, "button", "2 more"));
    expect(byRole(el, "img", /last/)).toHaveLength(6);
    await click(one(el, "button", "Show fewer"));
    expect(byRole(el, "img", /last/)).toHaveLength(4);
  });
  it("show names of the wire as text", async () => {
    const { el } = await show(card({ series: [series("<img src=x>")], source: "<b>x</b>" }));
    expect(el.querySelector(".iw-log-metrics img, .iw-log-metrics-head b")).toBeNull();
  });
  it("open as a larger plot, alone or with their kind", async () => {
    const { el } = await show(
      card({ series: [series("Ux"), series("p"), series("t", { is_log: false })] }),
    );
    await click(one(el, "button", "Chart of p"));
    expect(one(el, "button", "Chart of p").getAttribute("aria-expanded")).toBe("true");
    const chart = one(el, "region", "Chart of p");
    const slider = one(chart, "slider", "Sample");
    expect(slider.getAttribute("aria-valuetext")).toBe("Sample 4,000: p 2.5e-04");
    await press(slider, "ArrowLeft");
    expect(slider.getAttribute("aria-valuetext")).toBe("Sample 2,000: p 0.01");
    await click(one(chart, "button", "All 2"));
    expect(slider.getAttribute("aria-valuetext")).toBe("Sample 2,000: Ux 0.01, p 0.01");
    await click(one(chart, "button", "Linear"));
    expect(one(chart, "button", "Linear").getAttribute("aria-pressed")).toBe("true");
    await click(one(chart, "button", "Close chart"));
    expect(byRole(el, "region", "Chart of p")).toHaveLength(0);
  });
  it("take new values without forgetting what is open", async () => {
    const model = card();
    const { el } = await show(model);
    await click(one(el, "button", "Chart of residual"));
    await act(async () =>
      model.set("log_metrics", live({ series: [series("residual", { last: 7 })] })),
    );
    one(el, "region", "Chart of residual");
    one(el, "img", /^residual: last 7,/);
  });
  it("are drawn on the scale that suits them by now, until one is chosen", async () => {
    const model = card({ series: [series("residual", { is_log: false })] });
    const { el } = await show(model);
    await click(one(el, "button", "Chart of residual"));
    const isLog = () => one(el, "button", "Log").getAttribute("aria-pressed");
    expect(isLog()).toBe("false");
    await act(async () => model.set("log_metrics", live({ series: [series("residual")] })));
    expect(isLog()).toBe("true");
    await click(one(el, "button", "Linear"));
    await act(async () =>
      model.set("log_metrics", live({ series: [series("residual", { last: 7 })] })),
    );
    expect(isLog()).toBe("false");
  });
  it("say what a condition has done, and what does not work", async () => {
    const error = { title: "Too slow.", detail: "50 ms", report: "x" };
    const { el } = await show(card({ note: "It was asked to end.", error }));
    expect(one(el, "note", "It was asked to end.").textContent).toBe("It was asked to end.");
    expect(one(el, "alert").textContent).toContain("Too slow.");
  });
});

describe("progress", () => {
  const part = { progress: 0.542, ends: NOW + 50_000 };
  it("is counted down by the clock", async () => {
    const { el } = await show(card(part));
    const bar = one(el, "progressbar", "Simulation");
    expect([bar.getAttribute("aria-valuenow"), bar.getAttribute("aria-valuetext")]).toEqual([
      "54",
      "54% ends in 50 s",
    ]);
    await later(10_000);
    expect(bar.getAttribute("aria-valuetext")).toBe("54% ends in 40 s");
  });
  it("stays as it was, without a countdown, when the task has ended or the kernel is gone", async () => {
    const { el } = await show(card(part, { view: done() }));
    expect(one(el, "progressbar").getAttribute("aria-valuetext")).toBe("54%");
    const lost = await show(card(part, { poll_status: feed({ updated: NOW - 100_000 }) }));
    expect(one(lost.el, "progressbar").getAttribute("aria-valuetext")).toBe("54%");
  });
});

describe("silence", () => {
  const hint = (el: Element) =>
    byRole(el, "note", /^No new output/).map((n) => [n.textContent, n.className]);
  it("is worth a word after two minutes, and a warning after ten", async () => {
    const fresh = await show(card({ last_output: NOW - 119_000 }));
    expect(hint(fresh.el)).toEqual([]);
    await later(2_000);
    expect(hint(fresh.el)).toEqual([["No new output for 2 min", "iw-no-output"]]);
    const stale = await show(card({ last_output: NOW - 720_000 }));
    expect(hint(stale.el)).toEqual([["No new output for 12 min", "iw-no-output iw-stalled"]]);
  });
  it.each([
    ["that has ended", {}, { view: done() }],
    ["that is finalizing", {}, { view: task({ status: "computation-ended" }) }],
    ["whose log cannot grow", { can_grow: false }, {}],
    ["of a kernel that is gone", {}, { poll_status: feed({ updated: NOW - 100_000 }) }],
  ])("means nothing of a task %s", async (_, part, traits) => {
    const { el } = await show(card({ last_output: NOW - 720_000, ...part }, traits));
    expect(hint(el)).toEqual([]);
  });
});

describe("the bell", () => {
  const told: [string, NotificationOptions | undefined][] = [];
  function browser(permission: NotificationPermission, answer = permission): void {
    told.length = 0;
    class Fake {
      static permission = permission;
      static requestPermission = vi.fn(async () => {
        Fake.permission = answer;
        return answer;
      });
      onclick: (() => void) | null = null;
      constructor(title: string, options?: NotificationOptions) {
        told.push([title, options]);
      }
    }
    vi.stubGlobal("Notification", Fake);
  }
  const bell = (el: Element) => one(el, "button", "Notify me when it ends");
  const asked = () => vi.mocked(Notification.requestPermission).mock.calls.length;

  it("is off, and asks the browser once when it is turned on", async () => {
    browser("default", "granted");
    const model = card();
    const { el } = await show(model);
    expect([bell(el).getAttribute("aria-pressed"), asked()]).toEqual(["false", 0]);
    await click(bell(el));
    expect([bell(el).getAttribute("aria-pressed"), asked(), model.get("notify")]).toEqual([
      "true",
      1,
      true,
    ]);
    await click(bell(el));
    await click(bell(el));
    expect([asked(), model.get("notify")]).toEqual([1, true]);
  });
  it("stays off and says why when the browser refuses, or has none", async () => {
    browser("default", "denied");
    const model = card();
    const { el } = await show(model);
    await click(bell(el));
    expect([bell(el).getAttribute("aria-pressed"), model.get("notify")]).toEqual(["false", false]);
    expect(one(el, "note").textContent).toContain("settings block notifications");
    vi.stubGlobal("Notification", undefined);
    const other = await show(card());
    await click(bell(other.el));
    expect(one(other.el, "note").textContent).toContain("only on pages of https://");
  });
  it("that Python has turned on waits for a click to ask", async () => {
    browser("default", "granted");
    const { el } = await show(card({}, { notify: true }));
    expect(bell(el).getAttribute("aria-pressed")).toBe("false");
    expect(asked()).toBe(0);
    await click(one(el, "button", "Allow notifications"));
    expect(bell(el).getAttribute("aria-pressed")).toBe("true");
    expect(byRole(el, "button", "Allow notifications")).toHaveLength(0);
  });
  it("rings once, at the end that this view sees", async () => {
    browser("granted");
    const model = card({}, { notify: true });
    await show(model);
    await act(async () => model.set("view", done({ simulator: "reef3d" })));
    await act(async () => model.set("view", done({ simulator: "reef3d", cost_usd: 1 })));
    const id = "bgnu9i6st2qk9ocghu6w81v5t";
    expect(told).toEqual([["Success: reef3d", { body: `${id}, 0:00:10`, tag: id }]]);
  });
  it("does not ring for a task that had ended, nor when it is off", async () => {
    browser("granted");
    await show(card({}, { notify: true, view: done() }));
    const model = card();
    await show(model);
    await act(async () => model.set("view", done()));
    expect(told).toEqual([]);
  });
  it("does not break a card where the browser has the name only", async () => {
    vi.stubGlobal(
      "Notification",
      Object.assign(
        function refuse() {
          throw new TypeError("Illegal constructor");
        },
        { permission: "granted" },
      ),
    );
    const model = card({}, { notify: true });
    const { el } = await show(model);
    await act(async () => model.set("view", done()));
    expect(one(el, "note").textContent).toContain("only on pages of https://");
  });
});
