/** The head of a card: status, elapsed time and main facts. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { currentCost, elapsedSeconds, type ServiceTime, useNow } from "../clock";
import type { TaskView } from "../contract";
import {
  formatAgo,
  formatCost,
  formatDate,
  formatDuration,
  formatHms,
  formatMoment,
} from "../format";
import { phasesOf } from "../phases";
import { Badge, truncate } from "./Badge";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icons";

export function CardHead({
  view,
  time,
  children,
}: {
  view: TaskView;
  time: ServiceTime;
  children: ComponentChildren;
}) {
  const id = useRef<HTMLSpanElement>(null);
  // A javascript: address would run code: accept only https.
  const link = view.console_url?.startsWith("https://") ? view.console_url : null;
  return (
    <div class="iw-head">
      <Badge
        status={view.status}
        alias={view.alias}
        group={view.status_group}
        meaning={view.meaning}
        queueAhead={view.is_terminal ? null : view.queue_ahead}
      />
      {view.simulator === null ? null : (
        <b class="iw-simulator iw-text" title={truncate(view.simulator)}>
          {view.simulator}
        </b>
      )}
      <span class="iw-id">
        <span class="iw-mono iw-muted iw-text" ref={id} title={truncate(view.id)}>
          {view.id}
        </span>
        <CopyButton text={view.id} label="Copy task ID" source={id} />
        {link === null ? null : (
          <a
            class="iw-button iw-button-plain"
            href={link}
            target="_blank"
            rel="noopener noreferrer"
            aria-label="Open in the web console"
            title="Open in the web console"
          >
            <Icon name="external" />
          </a>
        )}
      </span>
      <span class="iw-head-end">
        <ElapsedTime view={view} time={time} />
        {children}
      </span>
    </div>
  );
}

/** Duration of the computation or else of the current phase, and the cost. */
function ElapsedTime({ view, time }: { view: TaskView; time: ServiceTime }) {
  const now = useNow(time, !view.is_terminal);
  const [seconds, word] = elapsedOf(view, now);
  const cost = currentCost(view, now);
  return (
    <>
      {seconds === null ? null : (
        <span class="iw-num">
          {time.frozen === null ? null : <span class="iw-muted">last known </span>}
          <b class="iw-elapsed">{formatHms(view.is_terminal ? seconds : Math.floor(seconds))}</b>
          {word === "" ? null : <span class="iw-muted"> {word}</span>}
        </span>
      )}
      {cost === null ? null : (
        <span class="iw-num iw-muted" title={view.is_terminal ? "Cost" : "Cost so far"}>
          {formatCost(cost)}
        </span>
      )}
    </>
  );
}

function elapsedOf(view: TaskView, now: number): [number | null, string] {
  const { computation, is_terminal: isTerminal } = view;
  if (computation.seconds !== null)
    return [elapsedSeconds(computation, now), isTerminal ? "" : "computed"];
  if (isTerminal) return [null, ""];
  if (computation.since !== null) return [elapsedSeconds(computation, now), "running"];
  const phase = phasesOf(view.marks)
    .reverse()
    .find(({ end }) => end === null);
  if (phase === undefined) return [null, ""];
  const words = {
    queue: "waiting",
    preparing: "preparing",
    computing: "running",
    finalizing: "finalizing",
  };
  return [elapsedSeconds({ seconds: null, since: phase.start }, now), words[phase.name] ?? ""];
}

export function CardFacts({ view, time }: { view: TaskView; time: ServiceTime }) {
  const now = useNow(time, !view.is_terminal);
  const queue = phasesOf(view.marks).find(({ name }) => name === "queue");
  const waited = queue === undefined || queue.end === null ? null : queue.end - queue.start;
  // A self-explanatory status, or one that the failure box explains, needs no description.
  const explains = view.failure === null && ["bad", "off", "unknown"].includes(view.status_group);
  return (
    <div class="iw-meta">
      {view.machine_type === null ? null : <Fact title="Machine" value={view.machine_type} />}
      {view.project === null ? null : <Fact title="Project" value={view.project} />}
      {view.submitted === null ? null : (
        <Fact
          title="Submitted"
          {...(view.is_terminal
            ? // Nothing ticks after the end: "5 min ago" would soon be wrong, "17:16" on the next day.
              { value: formatDate(view.submitted) }
            : {
                value: formatMoment(view.submitted, now),
                tip: formatDate(view.submitted),
                ...(time.frozen === null ? { more: formatAgo(view.submitted, now) } : {}),
              })}
        />
      )}
      {waited === null ? null : (
        <Fact title="Queue" value={formatDuration(Math.max(0, waited) / 1000)} />
      )}
      {explains && view.meaning ? <span class="iw-text">{view.meaning}</span> : null}
    </div>
  );
}

interface FactProps {
  title: string;
  value: string;
  more?: string;
  tip?: string;
}

function Fact({ title, value, more, tip = value }: FactProps) {
  return (
    <span class="iw-fact">
      {title}{" "}
      <b class="iw-text" title={truncate(tip)}>
        {value}
      </b>
      {more === undefined ? null : ` · ${more}`}
    </span>
  );
}
