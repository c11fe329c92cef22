/** The widget of a task's output files and their download. */
import { useCallback } from "preact/hooks";
import { type Bridge, useTrait } from "../bridge";
import type { DownloadView } from "../contract";
import { hasEnded } from "../download_progress";
import { ErrorBox } from "../parts/ErrorBox";
import { Progress } from "../parts/Progress";
import { useRequest, WAITING_FOR_KERNEL } from "../parts/useRequest";
import { Outputs } from "./Outputs";

export function OutputsCard({ bridge }: { bridge: Bridge }) {
  const task_id = bridge.get<string>("id");
  const download = useTrait<DownloadView | null>(bridge, "download");
  const transfer = useRequest();
  const steer = useRequest();
  const onChoose = useCallback((names: string[]) => bridge.set("chosen", names), [bridge]);
  const again = () => bridge.request("resume_download", { task_id });
  return (
    <>
      {[transfer, steer].map(({ isSlow, error, clear }) => (
        <>
          {isSlow ? (
            <div class="iw-note" role="note">
              {WAITING_FOR_KERNEL}
            </div>
          ) : null}
          {error === null ? null : <ErrorBox error={error} onDismiss={clear} />}
        </>
      ))}
      <Outputs
        onList={() => bridge.request("outputs", { task_id })}
        onDownload={(names) => bridge.request("download", { task_id, names })}
        onPreview={(name) => bridge.request("preview", { task_id, name })}
        isDownloading={download !== null && !hasEnded(download)}
        pending={transfer}
        chosen={bridge.get<string[]>("chosen")}
        onChoose={onChoose}
      />
      {download === null ? null : (
        <Progress
          download={download}
          pending={steer}
          onPause={() => bridge.request("pause_download", { task_id })}
          onResume={again}
          onCancel={() => bridge.request("cancel_download", { task_id })}
          onAgain={again}
        />
      )}
    </>
  );
}
