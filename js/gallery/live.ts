/** What is read from the log of a task that computes, and the files that it fills. */
import type { FilesView, LiveView, MetricView, SeriesView, WorkingFile } from "../src/contract";
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
  return {
    name,
    last: values.at(-1) as number,
    low: Math.min(...finite),
    high: Math.max(...finite),
    points: values.map((value, n) => [Math.round((n / (values.length - 1)) * SAMPLES), value]),
    is_log,
  };
}

export const residuals: LiveView = {
  source: "OpenFOAM residuals",
  series: ["Ux", "Uy", "Uz", "p", "k", "epsilon"].map((name, n) =>
    residual(name, n === 3 ? 1 : 0.4 / (n + 1), n + 1),
  ),
  samples: SAMPLES,
  progress: null,
  ends: null,
  last_output: now - 2_000,
  can_grow: true,
  note: "",
  error: null,
};

const steps = Array.from({ length: POINTS }, (_, n) => 0.0042 + 0.0006 * Math.sin(n / 4));
const times = Array.from({ length: POINTS }, (_, n) => (n / POINTS) ** 1.1 * 12.348);

export const progress: LiveView = {
  ...residuals,
  source: "REEF3D simulation time",
  series: [seriesOf("simtime", times, false), seriesOf("timestep", steps, false)],
  progress: 0.542,
  ends: now + 171_000,
};

/** A few numbers that no drawing has room for. */
export const odd: LiveView = {
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
    { ...seriesOf("none", [1, Number.NaN], true), last: Number.NaN },
  ],
};

/** Pushes a new look at the numbers each second, as a kernel does. */
export const next = ({ series, ...rest }: LiveView, tick: number): LiveView => ({
  ...rest,
  last_output: Date.now(),
  samples: rest.samples + 12 * tick,
  series: series.map((one) => {
    const values = one.points.map(([, value]) => value);
    const moved = [...values.slice(tick % POINTS), ...values.slice(0, tick % POINTS)];
    return seriesOf(one.name, moved, one.is_log);
  }),
});

export function metric(index: number): MetricView | null {
  if (index > 4 || index === 1) return null;
  const view = index === 0 ? progress : residuals;
  const { name, last, points, is_log } = view.series[index % 2] as SeriesView;
  return {
    name,
    last,
    points: points.slice(-24).map(([, value]) => value),
    is_log,
    progress: view.progress,
  };
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
        (_, n): WorkingFile => ({
          name: `REEF3D_CFD_VTU/REEF3D-CFD-${String(n).padStart(8, "0")}.vtu`,
          size: 18_400_128,
          modified: at - (12 + looks - n) * 2_000,
        }),
      );
      const files: WorkingFile[] = [
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
