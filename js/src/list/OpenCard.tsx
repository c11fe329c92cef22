/** The card of an open row; reports its height to the virtual scrolling. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Bridge } from "../bridge";
import type { ServiceTime } from "../clock";
import type { DownloadView, ErrorView, PollStatusView, RowView } from "../contract";
import { actionsFor } from "../entries/task";
import { Card } from "../parts/Card";
import { type OpenedCard, viewOfRow } from "./useOpenCards";

interface Props {
  bridge: Bridge;
  card: OpenedCard;
  /** The place of its line. */
  index: number;
  row: RowView | undefined;
  columns: number;
  download: DownloadView | null;
  pollStatus: PollStatusView;
  time: ServiceTime;
  error: ErrorView | null;
  onHeight: (id: string, height: number) => void;
}

export function OpenCard({ bridge, card, index, row, columns, onHeight, ...rest }: Props) {
  const box = useRef<HTMLDivElement>(null);
  // Only a card of its own has a trait for it.
  const [notify, setNotify] = useState(false);
  const actions = useMemo(() => actionsFor(bridge, card.id), [bridge, card.id]);
  useLayoutEffect(() => {
    const node = box.current;
    if (node === null || typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(() => onHeight(card.id, node.offsetHeight));
    observer.observe(node);
    return () => observer.disconnect();
  }, [card.id, onHeight]);
  // The line until the answer is there; it was there when the row was opened.
  const view = card.view ?? (row === undefined ? null : viewOfRow(row));
  return (
    <div role="row" class="iw-card-row" aria-label="Opened task" data-after={index} ref={box}>
      <div role="gridcell" class="iw-card-cell" aria-colspan={columns}>
        {view === null ? null : (
          <Card
            bridge={bridge}
            view={view}
            logMetrics={card.logMetrics}
            notify={notify}
            onNotify={setNotify}
            actions={actions}
            isEmbedded
            {...rest}
          />
        )}
      </div>
    </div>
  );
}
