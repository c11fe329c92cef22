/** The Details tab: all further facts of a task. */
import type { ComponentChildren } from "preact";
import { currentCost, elapsedSeconds, type ServiceTime, useNow } from "../clock";
import type { CommandView, TaskView } from "../contract";
import {
  formatAgo,
  formatCost,
  formatDate,
  formatDuration,
  formatGrowing,
  formatHms,
  MISSING,
} from "../format";
import { Icon } from "./Icons";

export function Details({ view, time }: { view: TaskView; time: ServiceTime }) {
  const isLive = !view.is_terminal;
  const now = useNow(time, isLive);
  const isTicking = isLive && time.frozen === null;
  const ended = view.is_terminal ? (view.marks.at(-1) ?? null) : null;
  const computed =
    isLive || view.computation.seconds !== null ? elapsedSeconds(view.computation, now) : null;
  const cost = currentCost(view, now);
  return (
    <dl class="iw-details">
      <Item title="Status">
        {view.alias}
        {view.meaning ? <span class="iw-muted"> {view.meaning}</span> : null}
      </Item>
      <Item title="ID">
        <span class="iw-mono">{view.id}</span>
      </Item>
      <Item title="Simulator">{view.simulator ?? MISSING}</Item>
      <Item title="Machine">{view.machine_type ?? MISSING}</Item>
      <Item title="Project">{view.project ?? MISSING}</Item>
      <Moment title="Submitted" at={view.submitted} now={isTicking ? now : null} />
      <Moment title="Started" at={view.started} now={isTicking ? now : null} />
      {view.is_terminal ? <Moment title="Ended" at={ended} now={null} /> : null}
      <Item title="Computation">
        {formatHms(computed === null || !isLive ? computed : Math.floor(computed))}
      </Item>
      {cost === null ? null : (
        <Item title={isLive ? "Cost so far" : "Cost"}>{formatCost(cost)}</Item>
      )}
      {view.commands.length > 0 ? (
        <Item title="Commands">
          <ol>
            {view.commands.map((command, index) => (
              <Command key={index} command={command} now={now} isLive={isLive} />
            ))}
          </ol>
        </Item>
      ) : null}
    </dl>
  );
}

function Item({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{title}</dt>
      <dd class="iw-text">{children}</dd>
    </>
  );
}

/** Shows the age of a time only if `now` is not null. */
function Moment({ title, at, now }: { title: string; at: number | null; now: number | null }) {
  return (
    <Item title={title}>
      {formatDate(at)}
      {at === null || now === null ? null : <span class="iw-muted"> · {formatAgo(at, now)}</span>}
    </Item>
  );
}

function Command({ command, now, isLive }: { command: CommandView; now: number; isLive: boolean }) {
  const { ok, elapsed } = command;
  const isRunning = ok === null && isLive && elapsed.since !== null && elapsed.seconds === null;
  const outcome = ok === null ? (isRunning ? "running" : "not known") : ok ? "ok" : "failed";
  const seconds = elapsed.seconds ?? (isRunning ? elapsedSeconds(elapsed, now) : null);
  return (
    <li class="iw-command">
      <span class={`iw-outcome iw-outcome-${ok === null ? (isRunning ? "run" : "none") : outcome}`}>
        {ok === null && !isRunning ? null : <Icon name={ok === null ? "run" : ok ? "ok" : "bad"} />}
      </span>
      <code class="iw-mono iw-text">{command.command}</code>
      <span class="iw-num iw-muted">
        {seconds === null
          ? ""
          : `${isRunning ? formatGrowing(seconds) : formatDuration(seconds)} · `}
        {command.exit_code ? `exit code ${command.exit_code}` : outcome}
      </span>
    </li>
  );
}
