/** Everything else that is known of a task. */
import type { ComponentChildren } from "preact";
import { type ServiceTime, secondsOf, useNow } from "../clock";
import type { CommandView, TaskView } from "../contract";
import {
  formatAgo,
  formatClock,
  formatCost,
  formatDate,
  formatGrowing,
  formatShort,
  MISSING,
} from "../format";
import { Icon } from "./Icons";

export function Details({ view, time }: { view: TaskView; time: ServiceTime }) {
  const isLive = !view.is_terminal;
  const now = useNow(time, isLive);
  const ended = view.is_terminal ? (view.marks.at(-1) ?? null) : null;
  const computed =
    isLive || view.computation.seconds !== null ? secondsOf(view.computation, now) : null;
  const link = safeLink(view.console_url);
  return (
    <dl class="iw-details">
      <Item title="Status">
        {view.alias}
        {view.meaning ? <span class="iw-dim"> {view.meaning}</span> : null}
      </Item>
      <Item title="ID">
        <span class="iw-mono">{view.id}</span>
      </Item>
      <Item title="Simulator">{view.simulator ?? MISSING}</Item>
      <Item title="Machine">{view.machine ?? MISSING}</Item>
      <Item title="Project">{view.project ?? MISSING}</Item>
      <Moment title="Submitted" at={view.submitted} now={now} />
      <Moment title="Started" at={view.started} now={now} />
      {view.is_terminal ? <Moment title="Ended" at={ended} now={now} /> : null}
      <Item title="Computation">
        {formatClock(computed === null || !isLive ? computed : Math.floor(computed))}
      </Item>
      {view.cost === null ? null : <Item title="Cost">{formatCost(view.cost)}</Item>}
      {view.commands.length > 0 ? (
        <Item title="Commands">
          <ol class="iw-commands">
            {view.commands.map((command, index) => (
              <Command key={index} command={command} now={now} isLive={isLive} />
            ))}
          </ol>
        </Item>
      ) : null}
      {link === null ? null : (
        <Item title="Console">
          <a class="iw-link" href={link} target="_blank" rel="noopener noreferrer">
            Open in the web console
          </a>
        </Item>
      )}
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

function Moment({ title, at, now }: { title: string; at: number | null; now: number }) {
  return (
    <Item title={title}>
      {formatDate(at)}
      {at === null ? null : <span class="iw-dim"> · {formatAgo(at, now)}</span>}
    </Item>
  );
}

function Command({ command, now, isLive }: { command: CommandView; now: number; isLive: boolean }) {
  const { ok, elapsed } = command;
  const isRunning = ok === null && isLive && elapsed.since !== null && elapsed.seconds === null;
  const outcome = ok === null ? (isRunning ? "running" : "not known") : ok ? "ok" : "failed";
  const seconds = elapsed.seconds ?? (isRunning ? secondsOf(elapsed, now) : null);
  return (
    <li class="iw-command">
      <span class={`iw-outcome iw-outcome-${ok === null ? (isRunning ? "run" : "none") : outcome}`}>
        {ok === null && !isRunning ? null : <Icon name={ok === null ? "run" : ok ? "ok" : "bad"} />}
      </span>
      <code class="iw-mono iw-text">{command.command}</code>
      <span class="iw-num iw-dim">
        {seconds === null ? "" : `${isRunning ? formatGrowing(seconds) : formatShort(seconds)} · `}
        {outcome}
      </span>
    </li>
  );
}

/** The address if it is a plain https one: a link is the one place where text could act. */
export function safeLink(address: string | null): string | null {
  if (address === null) return null;
  try {
    const url = new URL(address);
    return url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
