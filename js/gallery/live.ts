/** What is read from the log of a task that computes, and the files that it fills. */
import type {
  FilesView,
  GapView,
  LogMetricsView,
  MetricView,
  NonFinite,
  SeriesView,
  WorkingFileView,
} from "../src/contract";
import { logOf } from "./cards";
import type { Handlers } from "./model";
import { now } from "./states";

const SAMPLES = 4_000;
const POINTS = 80;

/** A residual that falls from one time step to the next, and jumps where a step begins. */
function residual(name: string, level: number, seed: number): SeriesView {
  const values = Array.from({ length: POINTS }, (_, n) => {
    const noise = 1 + 0.6 * Math.sin(n * (1.7 + seed)) * Math.cos(n * 0.9 * seed);
    return level * 10 ** (-4.5 * (n / POINTS) ** (0.5 + 0.1 * seed)) * noise * (n === 52 ? 30 : 1);
  });
  return seriesOf(name, values, true);
}

function seriesOf(name: string, values: number[], is_log: boolean): SeriesView {
  const finite = values.filter(Number.isFinite);
  const last = values.at(-1) as number;
  const at = (n: number) => 1 + Math.round((n / Math.max(1, values.length - 1)) * (SAMPLES - 1));
  const gaps: GapView[] = [];
  values.forEach((value, n) => {
    const kind = kindOf(value);
    const before = gaps.at(-1);
    if (kind === "") return;
    if (before !== undefined && kindOf(values[n - 1] as number) === kind) before.end = at(n);
    else gaps.push({ kind, start: at(n), end: at(n), text: `${kind} for a while` });
  });
  return {
    name,
    last: kindOf(last) === "" ? last : null,
    non_finite: kindOf(last),
    low: finite.length ? Math.min(...finite) : null,
    high: finite.length ? Math.max(...finite) : null,
    points: values.map((value, n) => [at(n), kindOf(value) === "" ? value : null]),
    gaps,
    extent: [1, SAMPLES],
    is_log,
  };
}

const kindOf = (value: number): NonFinite | "" =>
  Number.isFinite(value) ? "" : Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";

/** The same, not finite from a share of all samples on, or up to another one. */
function lost(one: SeriesView, from: number, to = 1, strange = Number.NaN): SeriesView {
  const values = one.points.map(([, value], n) =>
    n >= from * POINTS && n <= to * POINTS ? strange : (value as number),
  );
  const made = seriesOf(one.name, values, one.is_log);
  const told = (gap: GapView): GapView => ({
    ...gap,
    text:
      to === 1
        ? `${gap.kind} since step ${gap.start}`
        : `${gap.kind} for 400 samples from step 1,800`,
  });
  return { ...made, gaps: made.gaps.map(told) };
}

export const residuals: LogMetricsView = {
  source: "OpenFOAM residuals",
  series: ["Ux", "Uy", "Uz", "p", "k", "epsilon"].map((name, n) =>
    residual(name, n === 3 ? 1 : 0.4 / (n + 1), n + 1),
  ),
  samples: SAMPLES,
  progress: null,
  ends: null,
  last_output: now - 2_000,
  can_grow: true,
  conditions: [],
  note: "",
  error: null,
};

const steps = Array.from({ length: POINTS }, (_, n) => 0.0042 + 0.0006 * Math.sin(n / 4));
const times = Array.from({ length: POINTS }, (_, n) => (n / POINTS) ** 1.1 * 12.348);

export const progress: LogMetricsView = {
  ...residuals,
  source: "REEF3D simulation time",
  series: [seriesOf("simtime", times, false), seriesOf("timestep", steps, false)],
  progress: 0.542,
  ends: now + 171_000,
};

/** A few numbers that no drawing has room for. */
export const odd: LogMetricsView = {
  ...residuals,
  source: String.raw`residual\s+(?P<residual>\S+)`,
  series: [
    seriesOf(
      "residual with a very long name of its own",
      times.map((value, n) =>
        n % 9 === 4 ? Number.NaN : n === 30 ? Number.POSITIVE_INFINITY : value,
      ),
      false,
    ),
    seriesOf(
      "<b>constant</b>",
      times.map(() => 7),
      true,
    ),
    seriesOf("one", [125_000], false),
    seriesOf("none", [1, Number.NaN], true),
  ],
};

/** A run that is lost: one residual is nan since step 320, others are infinite, or were nan. */
export const diverged: LogMetricsView = {
  ...residuals,
  source: "Ux, p, k, epsilon",
  series: residuals.series.slice(0, 4).map((one, n) => {
    if (n === 0) return lost(one, 0.08);
    if (n === 2) return lost(one, 0.45, 0.55);
    return n === 3 ? lost(one, 0.9, 1, Number.POSITIVE_INFINITY) : one;
  }),
  conditions: [
    {
      text: "Kills the task if Ux > 1e3 for 20 samples",
      state: "Ux is nan, 0 of 20 samples, judged from row 42 on",
    },
  ],
};
export const neverFinite: LogMetricsView = {
  ...residuals,
  series: [lost(residuals.series[0] as SeriesView, 0), residuals.series[3] as SeriesView],
};

/** Pushes a new look at the numbers each second, as a kernel does. */
export const next = ({ series, ...rest }: LogMetricsView, tick: number): LogMetricsView => ({
  ...rest,
  last_output: Date.now(),
  samples: rest.samples + 12 * tick,
  series: series.map((one) => {
    const values = one.points.map(([, value]) => value ?? Number.NaN);
    const moved = [...values.slice(tick % POINTS), ...values.slice(0, tick % POINTS)];
    return seriesOf(one.name, moved, one.is_log);
  }),
});

export function metric(index: number): MetricView | null {
  if (index > 4 || index === 1) return null;
  const view = index === 0 ? progress : residuals;
  const series = index === 3 ? diverged.series[0] : view.series[index % 2];
  const { low: _low, high: _high, ...rest } = series as SeriesView;
  return { ...rest, progress: view.progress };
}

/** A folder that fills: the log grows with each look, and a frame is written now and then. */
export function filling(isCloud = false): Handlers {
  let looks = 0;
  return {
    ...logOf("", "", () => `frame ${looks} was written\n`),
    files: (): FilesView => {
      looks += 1;
      const at = Date.now();
      const frames = Array.from(
        { length: 12 + looks },
        (_, n): WorkingFileView => ({
          name: `REEF3D_CFD_VTU/REEF3D-CFD-${String(n).padStart(8, "0")}.vtu`,
          size: 18_400_128,
          modified: at - (12 + looks - n) * 2_000,
        }),
      );
      const files: WorkingFileView[] = [
        { name: "stdout.txt", size: 138_240 + looks * 9_000, modified: at - 400 },
        { name: "stderr.txt", size: 0, modified: at - 277_000 },
        { name: "control.txt", size: 512, modified: at - 300_000 },
        { name: "ctrl.txt", size: 1_312, modified: at - 300_000 },
        { name: "REEF3D_Log/REEF3D_mainlog.dat", size: 80_000 + looks * 700, modified: at - 1_000 },
        ...frames,
      ];
      return {
        files: isCloud ? files.map(({ name }) => ({ name, size: null, modified: null })) : files,
        more: 0,
        as_of: at,
        note: "",
      };
    },
  };
}
