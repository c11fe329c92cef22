/** The output files of a task, without its card. Twin of `inductiva_widgets/widgets/outputs.py`. */
import { useCallback } from "preact/hooks";
import { type Bridge, useTrait } from "./bridge";
import type { DownloadView } from "./contract";
import { Lazy } from "./lazy";
import { ErrorBox } from "./parts/ErrorBox";
import { Progress } from "./parts/Progress";
import { usePending } from "./parts/pending";
import { hasEnded } from "./progress";
import { actionsFor } from "./task";

export function OutputsEntry({ bridge }: { bridge: Bridge }) {
  const task_id = bridge.get<string>("id");
  const title = bridge.get<string>("title");
  const download = useTrait<DownloadView | null>(bridge, "download");
  const transfer = usePending();
  const steer = usePending();
  const actions = actionsFor(bridge, task_id);
  const onChoose = useCallback((names: string[]) => bridge.set("chosen", names), [bridge]);
  return (
    <section class="iw-card iw-frame" aria-label={title}>
      <div class="iw-download-title iw-text">{title}</div>
      {[transfer, steer].map(({ error, clear }) =>
        error === null ? null : <ErrorBox error={error} onDismiss={clear} />,
      )}
      <Lazy
        bridge={bridge}
        name="Outputs"
        props={{
          onList: actions.outputs,
          onDownload: actions.download,
          onPreview: (name) => bridge.request("preview", { task_id, name }),
          isDownloading: download !== null && !hasEnded(download),
          pending: transfer,
          chosen: bridge.get<string[]>("chosen"),
          onChoose,
        }}
      />
      {download === null ? null : (
        <Progress
          download={download}
          pending={steer}
          onPause={actions.pauseDownload}
          onResume={actions.resumeDownload}
          onCancel={actions.cancelDownload}
          onAgain={actions.resumeDownload}
        />
      )}
    </section>
  );
}
