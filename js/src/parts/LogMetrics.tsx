/** Metrics from the log of a task: progress, series, and time of the last output. */
import { useId, useState } from "preact/hooks";
import type { Bridge } from "../bridge";
import { describeEnd, describeSeries, formatLast, percentOf } from "../chart_format";
import { type ServiceTime, useNow } from "../clock";
import { LazyPanel } from "../code_splitting";
import type { LogMetricsView, SeriesView, TaskView } from "../contract";
import { formatAgo, formatPlural } from "../format";
import { truncate } from "./Badge";
import { ErrorBox } from "./ErrorBox";
import { Bar } from "./Progress";
import { Sparkline } from "./Sparkline";

/** More series are folded away. */
const MAX_SERIES = 4;
/** A log that is silent for so long is worth a word, and then a warning; in milliseconds. */
const NO_OUTPUT_AFTER_MS = 120_000;
const STALLED_AFTER_MS = 600_000;

interface Props {
  bridge: Bridge;
  metrics: LogMetricsView;
  view: TaskView;
  time: ServiceTime;
}

export function LogMetrics({ bridge, metrics, view, time }: Props) {
  const { source, series, samples, conditions, note, error } = metrics;
  const [chosen, setChosen] = useState<string | null>(null);
  const [isUnfolded, setUnfolded] = useState(false);
  const chart = useId();
  // A series that is lost is never folded away.
  const isLost = series.some(({ non_finite }) => non_finite !== "");
  const inView = series.filter(
    ({ non_finite }, n) => isUnfolded || n < MAX_SERIES || non_finite !== "",
  );
  const more = series.length - (isUnfolded ? MAX_SERIES : inView.length);
  return (
    <div class="iw-log-metrics" role="group" aria-label="Metrics">
      <Head metrics={metrics} view={view} time={time} />
      {source === null ? null : (
        <ul class={isLost ? "iw-metrics iw-metrics-lost" : "iw-metrics"}>
          {samples === 0 ? (
            <li class="iw-muted">No value {view.is_terminal ? "was found" : "yet"}</li>
          ) : null}
          {inView.map((one) => (
            <Metric
              key={one.name}
              series={one}
              samples={samples}
              chart={one.name === chosen ? chart : undefined}
              onToggle={() => setChosen(one.name === chosen ? null : one.name)}
            />
          ))}
        </ul>
      )}
      {more > 0 ? (
        <button
          type="button"
          class="iw-button iw-button-plain iw-log-metrics-more"
          aria-expanded={isUnfolded}
          onClick={() => setUnfolded(!isUnfolded)}
        >
          {isUnfolded ? "Show fewer" : `${more} more`}
        </button>
      ) : null}
      {series.some(({ name }) => name === chosen) ? (
        <div id={chart}>
          <LazyPanel
            bridge={bridge}
            name="Chart"
            props={{ series, name: chosen as string, onClose: () => setChosen(null) }}
          />
        </div>
      ) : null}
      {conditions.map(({ text, state }) => (
        <div key={text} class="iw-log-metrics-condition">
          <bdi>{truncate(text)}</bdi>
          {state === "" ? null : <bdi class="iw-muted">{truncate(state)}</bdi>}
        </div>
      ))}
      {note === "" ? null : (
        <div class="iw-log-metrics-note iw-text" role="note">
          {note}
        </div>
      )}
      {error === null ? null : <ErrorBox error={error} />}
    </div>
  );
}

/** Source, progress, and the time since the last output of a running task. */
function Head({ metrics, view, time }: Omit<Props, "bridge">) {
  const { source, samples, progress, ends, last_output, can_grow } = metrics;
  const isLive = !view.is_terminal && time.frozen === null;
  const now = useNow(time, isLive);
  const percent = progress === null ? "" : percentOf(progress);
  const end = isLive && ends !== null ? describeEnd(ends, now) : "";
  const isComputing = isLive && can_grow && view.status === "computation-started";
  const silent = isComputing && last_output !== null ? now - last_output : 0;
  return (
    <div class="iw-log-metrics-head">
      {source === null ? null : (
        <span class="iw-log-metrics-source">
          <span class="iw-cell" title={truncate(source)}>
            <bdi>{truncate(source)}</bdi>
          </span>
          {samples === 0 ? null : <span>{` · ${formatPlural(samples, "sample")}`}</span>}
        </span>
      )}
      {progress === null ? null : (
        <span class="iw-log-metrics-progress">
          <Bar
            label="Simulation"
            percent={Number.parseInt(percent, 10)}
            isResting={!isLive}
            words={`${percent} ${end}`.trim()}
          />
          <b class="iw-num">{percent}</b>
          <span class="iw-log-metrics-end">{end}</span>
        </span>
      )}
      {silent < NO_OUTPUT_AFTER_MS ? null : (
        <span
          class={silent < STALLED_AFTER_MS ? "iw-no-output" : "iw-no-output iw-stalled"}
          role="note"
        >
          No new output for {formatAgo(now - silent, now).replace(" ago", "")}
        </span>
      )}
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
  const { name, non_finite } = series;
  const description = truncate(describeSeries(series, samples));
  return (
    <li class={chart ? "iw-metric iw-metric-open" : "iw-metric"} title={description}>
      {/* As large as the line, which is none itself: its drawing has words of its own. */}
      <button
        type="button"
        class="iw-metric-name"
        aria-expanded={chart !== undefined}
        aria-controls={chart}
        aria-label={`Chart of ${truncate(name)}`}
        onClick={onToggle}
      >
        <bdi>{truncate(name)}</bdi>
      </button>
      <Sparkline series={series} label={description} />
      <b class={non_finite === "" ? "iw-num" : "iw-num iw-lost"}>{truncate(formatLast(series))}</b>
    </li>
  );
}
