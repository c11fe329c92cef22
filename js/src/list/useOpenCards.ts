/** Open cards in the list: requested once, then updated by pushes. */
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Bridge, errorView, useMessage } from "../bridge";
import type { DownloadView, ErrorView, LogMetricsView, RowView, TaskView } from "../contract";
import type { Push } from "../messages";

export interface OpenedCard {
  id: string;
  /** Null until the kernel has answered. */
  view: TaskView | null;
  logMetrics: LogMetricsView | null;
  error: ErrorView | null;
}

/** What is known of a task from its line alone, so that its card opens at once. */
export function viewOfRow(row: RowView): TaskView {
  return {
    ...row,
    queue_ahead: null,
    meaning: "",
    commands: [],
    failure: null,
    console_url: null,
  };
}

export interface OpenedCards {
  cards: OpenedCard[];
  downloads: ReadonlyMap<string, DownloadView>;
  toggle(row: RowView): void;
}

export function useOpenCards(bridge: Bridge): OpenedCards {
  const [cards, setCards] = useState<OpenedCard[]>([]);
  const [downloads, setDownloads] = useState<ReadonlyMap<string, DownloadView>>(new Map());
  const current = useRef(cards);
  current.current = cards;

  const change = useCallback((id: string, part: Partial<OpenedCard>) => {
    setCards((before) => before.map((card) => (card.id === id ? { ...card, ...part } : card)));
  }, []);
  const setDownload = useCallback((id: string, download: DownloadView) => {
    setDownloads((before) => new Map(before).set(id, download));
  }, []);

  useMessage(
    bridge,
    useCallback(
      (push: Push) => {
        if (push.push === "card") change(push.view.id, { view: push.view });
        if (push.push === "log_metrics") change(push.task_id, { logMetrics: push.log_metrics });
        if (push.push === "download") setDownload(push.task_id, push.download);
      },
      [change, setDownload],
    ),
  );

  // The kernel looks after open cards; a view that goes away no longer needs them.
  useLayoutEffect(
    () => () => {
      for (const { id } of current.current) close(bridge, id);
    },
    [bridge],
  );

  async function open(row: RowView) {
    setCards((before) => [...before, { id: row.id, view: null, logMetrics: null, error: null }]);
    try {
      const {
        view,
        log_metrics: logMetrics,
        download,
      } = await bridge.request("open", { task_id: row.id });
      change(row.id, { view, logMetrics });
      if (download !== null) setDownload(row.id, download);
    } catch (thrown) {
      change(row.id, { error: errorView(thrown) });
    }
  }

  function toggle(row: RowView) {
    if (cards.some(({ id }) => id === row.id)) {
      setCards((before) => before.filter(({ id }) => id !== row.id));
      close(bridge, row.id);
    } else {
      void open(row);
    }
  }

  return { cards, downloads, toggle };
}

function close(bridge: Bridge, task_id: string): void {
  // Nothing is shown of it any more, so neither is a refusal.
  bridge.request("close", { task_id }).catch(() => undefined);
}
