/** A task row of the table. */
import type { ComponentChildren } from "preact";
import type { ServiceTime } from "../clock";
import type { ColumnKey, DownloadView, RowView } from "../contract";
import { hasEnded, percentOfAll } from "../download_progress";
import { truncate } from "../parts/Badge";
import { Cell } from "../parts/Cell";
import { Icon } from "../parts/Icons";
import { KillButton } from "../parts/KillButton";
import { ProgressBar } from "../parts/Progress";
import { useRequest } from "../parts/useRequest";
import { memo } from "./memo";

/** A placeholder for a row that is being loaded. */
export function BlankRow({ index, columns, tab }: { index: number; columns: number; tab: number }) {
  return (
    <div
      role="row"
      class="iw-row iw-placeholder"
      aria-rowindex={index + 2}
      aria-busy="true"
      tabIndex={tab}
    >
      {Array.from({ length: columns }, (_, place) => (
        <span role="gridcell" key={place} class="iw-cell">
          <i />
        </span>
      ))}
    </div>
  );
}

/** What can be done with a line. */
export interface Doing {
  toggle(index: number): void;
  choose(index: number, isRange: boolean): void;
  kill(id: string): Promise<unknown>;
  download(id: string): Promise<unknown>;
}

interface Props {
  row: RowView;
  index: number;
  time: ServiceTime;
  columns: readonly ColumnKey[];
  /** Where the tab key stops: 0 for one line of the list, -1 for all others. */
  tab: number;
  isOpen: boolean;
  isChosen: boolean;
  download: DownloadView | undefined;
  /** Number of reported errors of the task; a change resets its buttons. */
  epoch: number;
  /** Always the same object, so that a line is drawn again only when it has changed. */
  doing: { readonly current: Doing };
  /** On the time line instead of what can be done. */
  bar?: ComponentChildren;
}

export const Row = memo(function Row({ row, index, time, columns, ...rest }: Props) {
  const { tab, isOpen, isChosen, doing, bar } = rest;
  const onToggle = () => doing.current.toggle(index);
  const id = truncate(row.id);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid looks after the keys
    <div
      role="row"
      class={`iw-row ${isOpen ? "iw-row-open" : ""}`}
      aria-rowindex={index + 2}
      aria-selected={isChosen}
      tabIndex={tab}
      onClick={(event) => {
        if (!isOwnBusiness(event)) onToggle();
      }}
    >
      <span role="gridcell" class="iw-cell iw-ticks">
        <label class="iw-tick">
          <input
            type="checkbox"
            aria-label={`Select task ${id}`}
            checked={isChosen}
            tabIndex={tab}
            onClick={(event) => doing.current.choose(index, event.shiftKey)}
          />
        </label>
        <button
          type="button"
          class="iw-expand-button"
          aria-expanded={isOpen}
          aria-label={`Show task ${id}`}
          tabIndex={tab}
          onClick={onToggle}
        >
          <Icon name="chevron" />
        </button>
      </span>
      {columns.map((column) => (
        <Cell key={column} column={column} row={row} time={time} />
      ))}
      {bar ?? <Actions row={row} {...rest} />}
    </div>
  );
});

type ActionProps = Pick<Props, "row" | "tab" | "download" | "epoch" | "doing">;

function Actions({ row, tab, download, epoch, doing }: ActionProps) {
  const kill = useRequest();
  const fetch = useRequest();
  const isDownloading = download !== undefined && !hasEnded(download);
  return (
    <span role="gridcell" class="iw-cell iw-cell-actions">
      {row.can_kill ? (
        <KillButton
          key={epoch}
          pending={kill}
          onKill={() => doing.current.kill(row.id)}
          tab={tab}
          isCompact
        />
      ) : null}
      {isDownloading ? (
        <>
          <ProgressBar download={download} />
          <span class="iw-num iw-muted">{percentLabel(download)}</span>
        </>
      ) : null}
      {row.has_outputs && !isDownloading ? (
        <button
          type="button"
          class="iw-button iw-button-plain"
          aria-label="Download outputs"
          title={
            download?.phase === "done"
              ? truncate(`Downloaded to ${download.path ?? ""}`)
              : "Download outputs"
          }
          tabIndex={tab}
          disabled={fetch.isBusy}
          onClick={() => void fetch.run(() => doing.current.download(row.id))}
        >
          <Icon name={download?.phase === "done" ? "ok" : "download"} />
        </button>
      ) : null}
    </span>
  );
}

function percentLabel(download: DownloadView): string {
  const percent = percentOfAll(download);
  return percent === null ? "" : `${percent}%`;
}

/** A click on something that acts itself, or the end of selecting text. */
function isOwnBusiness(event: MouseEvent): boolean {
  const target = event.target as Element;
  if (target.closest("button, a, label, .iw-kill")) return true;
  return getSelection()?.isCollapsed === false;
}
