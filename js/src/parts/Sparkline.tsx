/** A sparkline with its gaps and its last point marked. */

import { pathOf, type Scale, scaleOf } from "../chart_format";
import type { GapView, SeriesView } from "../contract";

const WIDTH = 300;
const HEIGHT = 20;

interface Props {
  series: Pick<SeriesView, "points" | "gaps" | "extent" | "is_log">;
  /** Text alternative. */
  label: string;
}

export function Sparkline({ series: { points, gaps, extent, is_log }, label }: Props) {
  // All samples, so that a curve that has ended early does not look like a whole one.
  const x = scaleOf(extent, false);
  const y = scaleOf(
    points.map(([, value]) => value),
    is_log,
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
      {gaps.length === 0 ? null : <path class="iw-spark-gap" d={bandsOf(gaps, x)} />}
      <path d={pathOf(points, { x, y }, box)} />
      <path class="iw-spark-last" d={pathOf(points.slice(-1), { x, y }, box)} />
    </svg>
  );
}

/** A line through the middle of each gap, which the style sheet makes a hatched band. */
const bandsOf = (gaps: readonly GapView[], x: Scale): string =>
  gaps
    .map(({ start, end }) => {
      const left = (x.at(start) ?? 0) * WIDTH;
      // A single sample is seen too.
      const width = Math.max(4, (x.at(end) ?? 0) * WIDTH - left);
      return `M${Math.min(left, WIDTH - width).toFixed(1)} ${HEIGHT / 2}h${width.toFixed(1)}`;
    })
    .join("");
