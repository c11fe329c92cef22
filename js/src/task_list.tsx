/** The table of tasks. Twin of `inductiva_widgets/widgets/task_list.py`. */
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Bridge, errorView, useFeed, usePush, useTrait } from "./bridge";
import { type ServiceTime, useServiceTime } from "./clock";
import type { DownloadView, ErrorView, FeedView, Push, RowView } from "./contract";
import { formatPlural } from "./format";
import { type Opened, useOpened, viewOfRow } from "./opened";
import { clip } from "./parts/Badge";
import { Card } from "./parts/Card";
import { ErrorBox } from "./parts/ErrorBox";
import { FeedLine } from "./parts/FeedLine";
import { ListHead } from "./parts/ListHead";
import { BlankRow, COLUMNS, HeadRow, Row } from "./parts/Row";
import { useRows } from "./rows";
import { actionsFor } from "./task";
import { layItems, useRange } from "./window";

/** As in the style sheet; the windowing rests on it. */
const ROW_HEIGHT = 32;
const SHOWN_ROWS = 12;

interface Notice {
  task_id: string;
  error: ErrorView;
}

export function TaskListEntry({ bridge }: { bridge: Bridge }) {
  const counts = useTrait<Record<string, number>>(bridge, "counts");
  const isDemo = useTrait<boolean>(bridge, "is_demo");
  const { feed, seen } = useFeed(bridge);
  const { cache, total, error, retry, want } = useRows(bridge);
  const { cards: found, downloads, toggle } = useOpened(bridge);
  const [heights, setHeights] = useState<ReadonlyMap<string, number>>(new Map());
  const { notices, epochs, tell, dismiss } = useNotices(bridge);
  const scroller = useRef<HTMLDivElement>(null);

  const isLive = (counts.run ?? 0) + (counts.wait ?? 0) > 0 || cache.hasLive();
  const time = useServiceTime(feed, isLive, seen);
  // A list that has grown at its head moves the open cards along with their rows.
  const cards = found
    .map((card) => ({ ...card, index: cache.placeOf(card.id) ?? card.index }))
    .sort((a, b) => a.index - b.index);
  const gaps = cards.map(({ id, index }) => ({ after: index, height: heights.get(id) ?? 0 }));
  const range = useRange(scroller, total, ROW_HEIGHT, gaps);
  useLayoutEffect(() => want(range));

  const measure = useCallback((id: string, height: number) => {
    setHeights((before) => (before.get(id) === height ? before : new Map(before).set(id, height)));
  }, []);

  const opened = new Map(cards.map((card) => [card.index, card]));
  const listed = new Set(cards.map(({ id }) => id));
  const extra = gaps.reduce((sum, { height }) => sum + height, 0);

  function lineAt(index: number) {
    const row = cache.at(index);
    if (row === undefined) return <BlankRow key={index} index={index} />;
    const actions = actionsFor(bridge, row.id);
    const told = (action: () => Promise<unknown>) => () =>
      action().catch((thrown) => {
        tell(row.id, errorView(thrown));
        throw thrown;
      });
    return (
      <Row
        key={row.id}
        row={row}
        index={index}
        time={time}
        isOpen={listed.has(row.id)}
        download={downloads.get(row.id)}
        epoch={epochs.get(row.id) ?? 0}
        onToggle={() => toggle(row, index)}
        onKill={told(actions.kill)}
        onDownload={told(() => actions.download(null))}
      />
    );
  }

  return (
    <div class="iw-list iw-frame">
      <ListHead total={total} counts={counts} isDemo={isDemo} />
      {total === 0 ? (
        <div class="iw-empty">No tasks here yet. Run a simulation, and it will show up.</div>
      ) : (
        <div
          class="iw-scroller iw-tasks"
          ref={scroller}
          // An open card makes room for itself: the rows around it stay in view.
          style={{ maxHeight: `${(SHOWN_ROWS + 1) * ROW_HEIGHT + extra}px` }}
        >
          <div
            role="table"
            class="iw-table"
            aria-label="Tasks"
            aria-rowcount={total + 1}
            aria-colcount={COLUMNS.length}
          >
            <HeadRow />
            {layItems(range, total, [...opened.keys()]).map((item) => {
              if (item.kind === "row") return lineAt(item.index);
              if (item.kind === "space") {
                const style = { height: `${item.rows * ROW_HEIGHT}px` };
                return <div key={item.key} role="presentation" style={style} />;
              }
              const card = opened.get(item.index);
              if (card === undefined) return null;
              return (
                <OpenCard
                  key={`card ${card.id}`}
                  bridge={bridge}
                  card={card}
                  row={cache.at(card.index)}
                  download={downloads.get(card.id) ?? null}
                  feed={feed}
                  time={time}
                  error={
                    card.error ?? notices.find(({ task_id }) => task_id === card.id)?.error ?? null
                  }
                  onHeight={measure}
                />
              );
            })}
          </div>
        </div>
      )}
      {error === null ? null : (
        <ErrorBox error={error} onDismiss={retry} dismissLabel="Try again" />
      )}
      {notices
        .filter(({ task_id }) => !listed.has(task_id))
        .map((notice) => (
          <ErrorBox
            key={notice.task_id}
            error={{
              ...notice.error,
              title: `Task ${clip(notice.task_id)}: ${notice.error.title}`,
            }}
            onDismiss={() => dismiss(notice)}
          />
        ))}
      <div class="iw-foot">
        <span>{formatPlural(total, "task")}</span>
        <span class="iw-grow" />
        <FeedLine feed={feed} time={time} isLive={isLive} />
      </div>
    </div>
  );
}

/** Errors by task: the last one of each, and how many there were. */
function useNotices(bridge: Bridge) {
  const [notices, setNotices] = useState<Notice[]>([]);
  const [epochs, setEpochs] = useState<ReadonlyMap<string, number>>(new Map());
  const tell = useCallback((task_id: string, error: ErrorView) => {
    setNotices((before) => [
      ...before.filter((one) => one.task_id !== task_id),
      { task_id, error },
    ]);
    setEpochs((before) => new Map(before).set(task_id, (before.get(task_id) ?? 0) + 1));
  }, []);
  const dismiss = (notice: Notice) => setNotices((now) => now.filter((one) => one !== notice));
  usePush(
    bridge,
    useCallback(
      (push: Push) => {
        if (push.push === "error") tell(push.task_id, push.error);
      },
      [tell],
    ),
  );
  return { notices, epochs, tell, dismiss };
}

interface OpenCardProps {
  bridge: Bridge;
  card: Opened;
  row: RowView | undefined;
  download: DownloadView | null;
  feed: FeedView;
  time: ServiceTime;
  error: ErrorView | null;
  onHeight: (id: string, height: number) => void;
}

/** The card of an open row, in a line of its own that tells its height. */
function OpenCard({ bridge, card, row, onHeight, ...rest }: OpenCardProps) {
  const box = useRef<HTMLDivElement>(null);
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
    <div role="row" class="iw-card-row" aria-label="Opened task" ref={box}>
      <div role="cell" class="iw-card-cell" aria-colspan={COLUMNS.length}>
        {view === null ? null : (
          <Card bridge={bridge} view={view} actions={actions} isEmbedded {...rest} />
        )}
      </div>
    </div>
  );
}
