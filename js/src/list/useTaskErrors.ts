/** The last error of each task, and how many there were. */
import { useCallback, useState } from "preact/hooks";
import { type Bridge, useMessage } from "../bridge";
import type { ErrorView } from "../contract";
import type { Push } from "../messages";

export interface TaskError {
  task_id: string;
  error: ErrorView;
}

export function useTaskErrors(bridge: Bridge) {
  const [notices, setNotices] = useState<TaskError[]>([]);
  const [epochs, setEpochs] = useState<ReadonlyMap<string, number>>(new Map());
  const addError = useCallback((task_id: string, error: ErrorView) => {
    setNotices((before) => [
      ...before.filter((one) => one.task_id !== task_id),
      { task_id, error },
    ]);
    setEpochs((before) => new Map(before).set(task_id, (before.get(task_id) ?? 0) + 1));
  }, []);
  const dismiss = (notice: TaskError) => setNotices((now) => now.filter((one) => one !== notice));
  useMessage(
    bridge,
    useCallback(
      (push: Push) => {
        if (push.push === "error") addError(push.task_id, push.error);
      },
      [addError],
    ),
  );
  return { notices, epochs, addError, dismiss };
}
