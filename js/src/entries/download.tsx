/** The progress bar of a blocking download; see `inductiva_widgets/widgets/download.py`. */
import { useCallback, useState } from "preact/hooks";
import { type Bridge, useMessage, useTrait } from "../bridge";
import type { DownloadView, ErrorView } from "../contract";
import type { Push } from "../messages";
import { ErrorBox } from "../parts/ErrorBox";
import { Progress } from "../parts/Progress";
import { useRequest, WAITING_FOR_KERNEL } from "../parts/useRequest";

export function DownloadEntry({ bridge }: { bridge: Bridge }) {
  const title = useTrait<string>(bridge, "title");
  const download = useTrait<DownloadView>(bridge, "download");
  const steer = useRequest();
  const [error, setError] = useState<ErrorView | null>(null);
  useMessage(
    bridge,
    useCallback((push: Push) => {
      if (push.push === "error") setError(push.error);
    }, []),
  );
  return (
    <section class="iw-frame" aria-label={title}>
      <div class="iw-download-title iw-text">{title}</div>
      {steer.isSlow ? (
        <div class="iw-note" role="note">
          {WAITING_FOR_KERNEL}
        </div>
      ) : null}
      {steer.error === null ? null : <ErrorBox error={steer.error} onDismiss={steer.clear} />}
      {error === null ? null : <ErrorBox error={error} onDismiss={() => setError(null)} />}
      <Progress
        download={download}
        pending={steer}
        onPause={() => bridge.request("pause_download", {})}
        onResume={() => bridge.request("resume_download", {})}
        onCancel={() => bridge.request("cancel_download", {})}
      />
    </section>
  );
}
