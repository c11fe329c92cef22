/** The card of a task; see `inductiva_widgets/widgets/task.py`. */
import { useCallback, useMemo, useState } from "preact/hooks";
import { type Bridge, useKernelLost, useMessage, usePollStatus, useTrait } from "../bridge";
import { useServiceTime } from "../clock";
import type { DownloadView, ErrorView, LogMetricsView, TaskView } from "../contract";
import { useRefreshWhenStale } from "../kernel_connection";
import type { Push } from "../messages";
import { Card, type CardActions } from "../parts/Card";

/** Actions of a card as requests about one task. */
export function actionsFor(bridge: Bridge, task_id: string): CardActions {
  return {
    kill: () => bridge.request("kill", { task_id }),
    log: (name, side) => bridge.request("log", { task_id, name, ...side }),
    files: () => bridge.request("files", { task_id }),
    outputs: () => bridge.request("outputs", { task_id }),
    download: (names) => bridge.request("download", { task_id, names }),
    pauseDownload: () => bridge.request("pause_download", { task_id }),
    resumeDownload: () => bridge.request("resume_download", { task_id }),
    cancelDownload: () => bridge.request("cancel_download", { task_id }),
  };
}

export function TaskEntry({ bridge }: { bridge: Bridge }) {
  const view = useTrait<TaskView>(bridge, "view");
  const logMetrics = useTrait<LogMetricsView | null>(bridge, "log_metrics");
  const notify = useTrait<boolean>(bridge, "notify");
  const onNotify = useCallback((on: boolean) => bridge.set("notify", on), [bridge]);
  const download = useTrait<DownloadView | null>(bridge, "download");
  const { pollStatus, seen } = usePollStatus(bridge);
  const time = useServiceTime(pollStatus, !view.is_terminal, seen, useKernelLost(bridge));
  useRefreshWhenStale(bridge, time.frozen !== null);
  const actions = useMemo(() => actionsFor(bridge, view.id), [bridge, view.id]);
  const [error, setError] = useState<ErrorView | null>(null);
  useMessage(
    bridge,
    useCallback((push: Push) => {
      if (push.push === "error") setError(push.error);
    }, []),
  );
  return (
    <Card
      bridge={bridge}
      view={view}
      logMetrics={logMetrics}
      notify={notify}
      onNotify={onNotify}
      download={download}
      pollStatus={pollStatus}
      time={time}
      actions={actions}
      error={error}
    />
  );
}
