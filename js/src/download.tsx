/** The bar of a download that a cell waits for. Twin of `inductiva_widgets/widgets/download.py`. */
import { type Bridge, useTrait } from "./bridge";
import type { DownloadView } from "./contract";
import { ErrorBox } from "./parts/ErrorBox";
import { Progress } from "./parts/Progress";
import { usePending, WAITING } from "./parts/pending";

export function DownloadEntry({ bridge }: { bridge: Bridge }) {
  const title = useTrait<string>(bridge, "title");
  const download = useTrait<DownloadView>(bridge, "download");
  const steer = usePending();
  return (
    <section class="iw-card iw-frame" aria-label={title}>
      <div class="iw-download-title iw-text">{title}</div>
      {steer.isSlow ? (
        <div class="iw-note" role="note">
          {WAITING}
        </div>
      ) : null}
      {steer.error === null ? null : <ErrorBox error={steer.error} onDismiss={steer.clear} />}
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
