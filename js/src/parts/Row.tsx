/** A line of the list. */
import type { ComponentChildren } from "preact";
import { type ServiceTime, secondsOf, useNow } from "../clock";
import type { DownloadView, RowView } from "../contract";
import { formatClock, formatCost, formatDate } from "../format";
import { hasEnded, percentOfAll } from "../progress";
import { Badge, clip } from "./Badge";
import { Icon } from "./Icons";
import { KillButton } from "./KillButton";
import { ProgressBar } from "./Progress";
import { usePending } from "./pending";
import { MiniTimeline } from "./Timeline";

export const COLUMNS = [
  "Status",
  "Simulator",
  "ID",
  "Submitted",
  "Started",
  "Computation",
  "Phases",
  "Resource type",
  "Cost",
  "Actions",
] as const;
const NUMBERS: ReadonlySet<string> = new Set(["Computation", "Cost"]);

export function HeadRow() {
  return (
    <div role="row" class="iw-row iw-row-head" aria-rowindex={1}>
      {COLUMNS.map((title) => (
        <span
          role="columnheader"
          key={title}
          class={NUMBERS.has(title) ? "iw-cell iw-num" : "iw-cell"}
        >
          {title === "Actions" ? <span class="iw-hidden">{title}</span> : title}
        </span>
      ))}
    </div>
  );
}

/** A line whose data is on its way. */
export function BlankRow({ index }: { index: number }) {
  return (
    <div role="row" class="iw-row iw-blank" aria-rowindex={index + 2} aria-busy="true">
      {COLUMNS.map((title) => (
        <span role="cell" key={title} class="iw-cell">
          <i />
        </span>
      ))}
    </div>
  );
}

interface Props {
  row: RowView;
  index: number;
  time: ServiceTime;
  isOpen: boolean;
  download: DownloadView | undefined;
  /** Grows with each error told of this task, so that its buttons start over. */
  epoch: number;
  onToggle: () => void;
  onKill: () => Promise<unknown>;
  onDownload: () => Promise<unknown>;
}

export function Row({ row, index, time, isOpen, onToggle, ...rest }: Props) {
  const id = clip(row.id);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the button in it is the keyboard's way
    <div
      role="row"
      class={isOpen ? "iw-row iw-row-open" : "iw-row"}
      aria-rowindex={index + 2}
      onClick={(event) => {
        if (!isOwnBusiness(event)) onToggle();
      }}
    >
      <span role="cell" class="iw-cell iw-cell-status">
        <button
          type="button"
          class="iw-opener"
          aria-expanded={isOpen}
          aria-label={`Show task ${id}`}
          onClick={onToggle}
          onKeyDown={moveBetweenRows}
        >
          <Icon name="chevron" />
        </button>
        <Badge status={row.status} alias={row.alias} tone={row.tone} />
      </span>
      <Cell text={row.simulator} />
      <Cell text={row.id} kind="iw-mono iw-dim" />
      <Cell>{row.submitted === null ? null : formatDate(row.submitted)}</Cell>
      <Cell>{row.started === null ? null : formatDate(row.started)}</Cell>
      <Computation row={row} time={time} />
      <Cell>
        <MiniTimeline marks={row.marks} tone={row.tone} isTerminal={row.is_terminal} time={time} />
      </Cell>
      <Cell text={row.machine} />
      <Cell kind="iw-num">{row.cost === null ? null : formatCost(row.cost)}</Cell>
      <Actions row={row} {...rest} />
    </div>
  );
}

interface CellProps {
  /** From the wire: cut, and told whole by a tool tip. */
  text?: string | null;
  kind?: string;
  children?: ComponentChildren;
}

function Cell({ text = null, kind = "", children = null }: CellProps) {
  const shown = text === null ? children : <bdi>{clip(text)}</bdi>;
  return (
    <span role="cell" class={`iw-cell ${kind}`} title={text === null ? undefined : clip(text)}>
      {shown ?? <span class="iw-dim">–</span>}
    </span>
  );
}

function Computation({ row, time }: { row: RowView; time: ServiceTime }) {
  const isLive = !row.is_terminal;
  const now = useNow(time, isLive);
  const seconds =
    isLive || row.computation.seconds !== null ? secondsOf(row.computation, now) : null;
  return (
    <Cell kind="iw-num">
      {seconds === null ? null : formatClock(isLive ? Math.floor(seconds) : seconds)}
    </Cell>
  );
}

function Actions({
  row,
  download,
  epoch,
  onKill,
  onDownload,
}: Omit<Props, "index" | "time" | "isOpen" | "onToggle">) {
  const kill = usePending();
  const fetch = usePending();
  const isDownloading = download !== undefined && !hasEnded(download);
  return (
    <span role="cell" class="iw-cell iw-cell-actions">
      {row.can_kill ? <KillButton key={epoch} pending={kill} onKill={onKill} isCompact /> : null}
      {isDownloading ? (
        <>
          <ProgressBar download={download} />
          <span class="iw-num iw-dim">{percentLabel(download)}</span>
        </>
      ) : null}
      {row.has_outputs && !isDownloading ? (
        <button
          type="button"
          class="iw-button iw-quiet"
          aria-label="Download outputs"
          title={
            download?.phase === "done"
              ? clip(`Downloaded to ${download.path ?? ""}`)
              : "Download outputs"
          }
          disabled={fetch.isBusy}
          onClick={() => void fetch.run(onDownload)}
        >
          <Icon name={download?.phase === "done" ? "ok" : "download"} />
        </button>
      ) : null}
    </span>
  );
}

function percentLabel(download: DownloadView): string {
  const percent = percentOfAll(download);
  return percent === null ? "" : `${percent} %`;
}

/** A click on something that acts itself, or the end of selecting text. */
function isOwnBusiness(event: MouseEvent): boolean {
  const target = event.target as Element;
  if (target.closest("button, a, input, .iw-kill")) return true;
  return getSelection()?.isCollapsed === false;
}

function moveBetweenRows(event: KeyboardEvent): void {
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key] as
    | "nextElementSibling"
    | "previousElementSibling"
    | undefined;
  if (step === undefined) return;
  event.preventDefault();
  let row = (event.currentTarget as Element).closest("[role=row]")?.[step];
  // Open cards and empty space lie between rows.
  while (row && !row.classList.contains("iw-row")) row = row[step];
  row?.getElementsByTagName("button")[0]?.focus();
}
