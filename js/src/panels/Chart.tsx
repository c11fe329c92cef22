/** Line chart of one or more series, with the values at the pointer. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { series as colours } from "../../../inductiva_widgets/design_tokens.json";
import { formatValue, pathOf, scaleOf } from "../chart_format";
import type { NonFinite, SeriesView } from "../contract";
import { formatCount } from "../format";
import { truncate } from "../parts/Badge";
import { Icon } from "../parts/Icons";
import { ticksOf } from "./axis_ticks";
import { SegmentedControl } from "./SegmentedControl";

const HEIGHT = 190;
/** Space for the labels of the axes, and for the last points. */
const LEFT = 62;
const RIGHT = 22;
const TOP = 8;
const BOTTOM = 22;
/** Gaps that are named. */
const MAX_LABELS = 6;

interface Props {
  series: readonly SeriesView[];
  name: string;
  onClose(): void;
}

export function Chart({ series, name, onClose }: Props) {
  const own = series.find((one) => one.name === name) as SeriesView;
  const comparable = series.filter(({ is_log }) => is_log === own.is_log);
  const [isAll, setAll] = useState(false);
  // Until one is chosen, the scale that suits what is there by now.
  const [chosen, setChosen] = useState<boolean | null>(null);
  const isLog = chosen ?? own.is_log;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const shown = isAll ? comparable : [own];
  return (
    <section class="iw-chart" aria-label={`Chart of ${truncate(name)}`}>
      <div class="iw-chart-bar">
        <b class="iw-cell">
          <bdi>{isAll ? "All of its kind" : truncate(name)}</bdi>
        </b>
        <span class="iw-grow" />
        {comparable.length > 1 ? (
          <SegmentedControl
            label="Lines"
            choices={[
              ["This one", !isAll],
              [`All ${comparable.length}`, isAll],
            ]}
            onChoose={(choice) => setAll(choice === 1)}
          />
        ) : null}
        <SegmentedControl
          label="Scale"
          choices={[
            ["Log", isLog],
            ["Linear", !isLog],
          ]}
          onChoose={(choice) => setChosen(choice === 0)}
        />
        <button
          type="button"
          class="iw-button iw-button-plain"
          aria-label="Close chart"
          title="Close chart"
          onClick={onClose}
        >
          <Icon name="bad" />
        </button>
      </div>
      <div ref={box}>
        <Plot shown={shown} all={comparable} isLog={isLog} width={width} />
      </div>
    </section>
  );
}

interface PlotProps {
  shown: readonly SeriesView[];
  /** All series, which define the colours. */
  all: readonly SeriesView[];
  isLog: boolean;
  width: number;
}

function Plot({ shown, all, isLog, width }: PlotProps) {
  const [at, setAt] = useState<number | null>(null);
  const samples = [...new Set(shown.flatMap(samplesOf))].sort((a, b) => a - b);
  const x = scaleOf(samples, false);
  const y = scaleOf(
    shown.flatMap(({ points }) => points.map(([, value]) => value)),
    isLog,
  );
  const inner = { width: Math.max(40, width - LEFT - RIGHT), height: HEIGHT - TOP - BOTTOM };
  const left = (sample: number) => (x.at(sample) ?? 0) * inner.width;
  const top = (value: number) => (1 - (y.at(value) ?? 0)) * inner.height;
  const colourOf = (one: SeriesView) => `iw-series-${all.indexOf(one) % colours.length}`;
  const last = samples.at(-1) ?? 0;
  // The chosen sample may have been decimated: show the nearest.
  const sample = at === null ? last : nearest(samples, at);
  const values = shown.map((one): [SeriesView, string, number | null] => {
    const value = valueAt(one, sample);
    return typeof value === "string" ? [one, value, null] : [one, formatValue(value), value];
  });
  const valueText = values.map(([one, text]) => `${truncate(one.name)} ${text}`).join(", ");
  const gaps = shown.flatMap((one) => one.gaps.map((gap) => ({ ...gap, one })));

  function point(event: PointerEvent): void {
    const { left: edge } = (event.currentTarget as Element).getBoundingClientRect();
    const share = (event.clientX - edge - LEFT) / inner.width;
    setAt(x.low + Math.max(0, Math.min(1, share)) * (x.high - x.low));
  }
  function press(event: KeyboardEvent): void {
    const place = samples.indexOf(sample);
    const next = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: samples.length - 1 };
    const to = next[event.key as keyof typeof next];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    setAt(samples[to] ?? sample);
  }

  return (
    <>
      <div
        class="iw-plot"
        role="slider"
        aria-label="Sample"
        aria-valuemin={samples[0] ?? 0}
        aria-valuemax={last}
        aria-valuenow={sample}
        aria-valuetext={`Sample ${formatCount(sample)}: ${valueText}`}
        tabIndex={0}
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => setAt(null)}
        onKeyDown={press}
      >
        <svg width={width} height={HEIGHT} aria-hidden="true">
          <g transform={`translate(${LEFT} ${TOP})`}>
            {ticksOf(y, 5).map((tick) => (
              <g key={tick} transform={`translate(0 ${top(tick).toFixed(1)})`}>
                <path class="iw-plot-grid" d={`M0 0H${inner.width}`} />
                <text x={-8} y={4} text-anchor="end">
                  {formatValue(tick)}
                </text>
              </g>
            ))}
            {ticksOf(x, Math.max(2, Math.floor(inner.width / 110))).map((tick) => (
              <text key={tick} x={left(tick)} y={inner.height + 16} text-anchor="middle">
                {formatCount(tick)}
              </text>
            ))}
            <path class="iw-plot-axis" d={`M0 ${inner.height}H${inner.width}`} />
            {gaps.map(({ one, start, end }) => (
              <path
                key={`${one.name} ${start}`}
                class="iw-plot-gap"
                stroke-width={inner.height}
                d={`M${left(start).toFixed(1)} ${inner.height / 2}h${Math.max(2, left(end) - left(start)).toFixed(1)}`}
              />
            ))}
            {shown.map((one) => (
              <path key={one.name} class={colourOf(one)} d={pathOf(one.points, { x, y }, inner)} />
            ))}
            {gaps.slice(0, MAX_LABELS).map((gap, n) => {
              const isRight = left(gap.start) < inner.width / 2;
              return (
                <text
                  key={`${gap.one.name} ${gap.start}`}
                  class="iw-plot-gap-label"
                  x={left(gap.start) + (isRight ? 5 : -5)}
                  y={14 + 15 * n}
                  text-anchor={isRight ? "start" : "end"}
                >
                  {truncate(`${shown.length > 1 ? `${gap.one.name} ` : ""}${gap.text}`)}
                </text>
              );
            })}
            {at === null ? null : (
              <path class="iw-plot-at" d={`M${left(sample).toFixed(1)} 0V${inner.height}`} />
            )}
            {values.map(([one, , value]) =>
              value === null || y.at(value) === null ? null : (
                <circle
                  key={one.name}
                  class={colourOf(one)}
                  cx={left(sample)}
                  cy={top(value)}
                  r={3}
                />
              ),
            )}
          </g>
        </svg>
      </div>
      <ul class="iw-plot-legend" aria-label="Values at the sample">
        <li class="iw-muted">
          {at === null ? "last sample" : "sample"} {formatCount(sample)}
        </li>
        {values.map(([one, text]) => (
          <li key={one.name} class={colourOf(one)}>
            <bdi>{truncate(one.name)}</bdi> <b>{text}</b>
          </li>
        ))}
      </ul>
    </>
  );
}

function useWidth(box: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(600);
  useLayoutEffect(() => {
    const node = box.current;
    if (node === null) return undefined;
    const measure = () => setWidth(node.clientWidth || 600);
    measure();
    if (typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(node);
    return () => observer.disconnect();
  }, [box]);
  return width;
}

const nearest = (samples: readonly number[], target: number): number =>
  samples.reduce(
    (best, one) => (Math.abs(one - target) < Math.abs(best - target) ? one : best),
    samples[0] ?? 0,
  );

const samplesOf = ({ points, gaps, extent }: SeriesView): number[] => [
  ...points.map(([sample]) => sample),
  ...gaps.flatMap(({ start, end }) => [start, end]),
  ...extent,
];

/** The value of that sample, or the latest one before: series may have been thinned differently. */
function valueAt({ points, gaps }: SeriesView, sample: number): number | NonFinite | null {
  const gap = gaps.find(({ start, end }) => start <= sample && sample <= end);
  const value = points.filter(([one]) => one <= sample).at(-1)?.[1] ?? null;
  if (gap === undefined || points.some(([one, own]) => one === sample && own !== null))
    return value;
  return gap.kind;
}
