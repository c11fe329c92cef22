/** A small drawing of numbers, as wide as there is room; its last point is marked. */
import { type Point, pathOf, scaleOf } from "../metric";

const WIDTH = 300;
const HEIGHT = 20;

interface Props {
  points: readonly Point[];
  isLog: boolean;
  /** What it shows, in words. */
  label: string;
}

export function Sparkline({ points, isLog, label }: Props) {
  const x = scaleOf(
    points.map(([at]) => at),
    false,
  );
  const y = scaleOf(
    points.map(([, value]) => value),
    isLog,
  );
  const box = { width: WIDTH, height: HEIGHT };
  // Stretched to the room there is, without being measured: lines and dots keep their thickness.
  return (
    <svg
      class="iw-spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path d={pathOf(points, { x, y }, box)} />
      <path class="iw-spark-last" d={pathOf(points.slice(-1), { x, y }, box)} />
    </svg>
  );
}
