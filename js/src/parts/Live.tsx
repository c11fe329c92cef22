/** What is read from the log of a task: how far it is, its numbers, and when it wrote last. */
import { useId, useState } from "preact/hooks";
import type { Bridge } from "../bridge";
import { type ServiceTime, useNow } from "../clock";
import type { LiveView, SeriesView, TaskView } from "../contract";
import { formatAgo, formatCount } from "../format";
import { Lazy } from "../lazy";
import { formatValue, percentOf, toldEnd, toldSeries } from "../metric";
import { clip } from "./Badge";
import { ErrorBox } from "./ErrorBox";
import { Icon } from "./Icons";
import { Sparkline } from "./Sparkline";

/** More series are folded away. */
const SHOWN = 4;
/** A log that is silent for so long is worth a word, and then a warning; in milliseconds. */
const SILENT_AFTER = 120_000;
const HANGS_AFTER = 600_000;

interface Props {
  bridge: Bridge;
  live: LiveView;
  view: TaskView;
  time: ServiceTime;
}

export function Live({ bridge, live, view, time }: Props) {
  const { source, series, samples, progress, note, error } = live;
  const [chosen, setChosen] = useState<string | null>(null);
  const [isUnfolded, setUnfolded] = useState(false);
  const id = useId();
  const shown = isUnfolded ? series : series.slice(0, SHOWN);
  const more = series.length - shown.length;
  const charted = series.find(({ name }) => name === chosen);
  return (
    <div class="iw-live" role="group" aria-label="Live metrics">
      <div class="iw-live-head">
        {source === null ? null : (
          <span class="iw-live-source" title={clip(source)}>
            <bdi>{clip(source)}</bdi>
          </span>
        )}
        {samples === 0 ? null : (
          <span class="iw-live-samples">{formatCount(samples)} samples</span>
        )}
        {progress === null ? null : <Share live={live} view={view} time={time} />}
        <Silence live={live} view={view} time={time} />
      </div>
      {source === null ? null : (
        <ul class="iw-metrics" aria-label="Metrics">
          {series.length === 0 ? (
            <li class="iw-metric iw-dim">
              {view.is_terminal ? "No value was found." : "No value yet."}
            </li>
          ) : null}
          {shown.map((one) => (
            <Metric
              key={one.name}
              series={one}
              samples={samples}
              chart={one.name === chosen ? `${id}-chart` : undefined}
              onToggle={() => setChosen(one.name === chosen ? null : one.name)}
            />
          ))}
        </ul>
      )}
      {more > 0 || isUnfolded ? (
        <button
          type="button"
          class="iw-button iw-quiet iw-live-more"
          aria-expanded={isUnfolded}
          onClick={() => setUnfolded(!isUnfolded)}
        >
          <Icon name={isUnfolded ? "up" : "down"} />
          {isUnfolded ? "Show fewer" : `${more} more`}
        </button>
      ) : null}
      {charted === undefined ? null : (
        <div id={`${id}-chart`} class="iw-chart-box">
          <Lazy
            bridge={bridge}
            name="Chart"
            props={{ series, name: charted.name, onClose: () => setChosen(null) }}
          />
        </div>
      )}
      {note === "" ? null : (
        <div class="iw-live-note iw-text" role="note">
          {note}
        </div>
      )}
      {error === null ? null : <ErrorBox error={error} />}
    </div>
  );
}

interface MetricProps {
  series: SeriesView;
  samples: number;
  /** Id of the chart that is open below. */
  chart: string | undefined;
  onToggle(): void;
}

function Metric({ series, samples, chart, onToggle }: MetricProps) {
  const { name, points, is_log, last } = series;
  const told = clip(toldSeries(series, samples));
  return (
    <li class={chart === undefined ? "iw-metric" : "iw-metric iw-metric-open"} title={told}>
      {/* As large as the line, which is itself none: its drawing has words of its own. */}
      <button
        type="button"
        class="iw-metric-name"
        aria-expanded={chart !== undefined}
        aria-controls={chart}
        aria-label={`Chart of ${clip(name)}`}
        onClick={onToggle}
      >
        <bdi>{clip(name)}</bdi>
      </button>
      <Sparkline points={points} isLog={is_log} label={told} />
      <b class="iw-num">{formatValue(last)}</b>
    </li>
  );
}

/** The part that is done, and when the rest will be: counted on while it computes. */
function Share({ live: { progress, ends }, view, time }: Omit<Props, "bridge">) {
  const isCounting = !view.is_terminal && time.frozen === null && ends !== null;
  const now = useNow(time, isCounting);
  const percent = percentOf(progress ?? 0);
  const end = isCounting ? toldEnd(ends, now) : "";
  return (
    <span class="iw-live-share">
      <span
        class={view.is_terminal ? "iw-progress iw-resting" : "iw-progress"}
        role="progressbar"
        aria-label="Simulation"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Number.parseInt(percent, 10)}
        aria-valuetext={[percent, end].filter(Boolean).join(", ")}
      >
        <i style={{ width: percent.replace(" ", "") }} />
      </span>
      <span class="iw-num iw-live-percent">{percent}</span>
      {end === "" ? null : <span class="iw-live-end">{end}</span>}
    </span>
  );
}

/** A run that writes nothing any more may hang. */
function Silence({ live: { last_output, can_grow }, view, time }: Omit<Props, "bridge">) {
  const isLooking =
    view.status === "computation-started" &&
    can_grow &&
    time.frozen === null &&
    last_output !== null;
  const now = useNow(time, isLooking);
  if (!isLooking || now - last_output < SILENT_AFTER) return null;
  const isLong = now - last_output >= HANGS_AFTER;
  return (
    <span class={isLong ? "iw-silence iw-silence-long" : "iw-silence"} role="note">
      {isLong ? <Icon name="alert" /> : null}
      No new output for {formatAgo(last_output, now).replace(" ago", "")}
    </span>
  );
}
