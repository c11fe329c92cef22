/** Errors by task: the last one of each, and how many there were. */
import { useCallback, useState } from "preact/hooks";
import { type Bridge, usePush } from "../bridge";
import type { ErrorView, Push } from "../contract";

export interface Notice {
  task_id: string;
  error: ErrorView;
}

export function useNotices(bridge: Bridge) {
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
