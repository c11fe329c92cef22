/** The bar of a download that a cell waits for. Twin of `inductiva_widgets/widgets/download.py`. */
import { type Bridge, useTrait } from "./bridge";
import type { DownloadView } from "./contract";
import { ErrorBox } from "./parts/ErrorBox";
import { Progress } from "./parts/Progress";
import { usePending, WAITING } from "./parts/pending";

export function DownloadEntry({ bridge }: { bridge: Bridge }) {
  const title = useTrait<string>(bridge, "title");
  const download = useTrait<DownloadView>(bridge, "download");
  const cancel = usePending();
  return (
    <section class="iw-card iw-frame" aria-label={title}>
      <div class="iw-download-title iw-text">{title}</div>
      {cancel.isSlow ? (
        <div class="iw-note" role="note">
          {WAITING}
        </div>
      ) : null}
      {cancel.error === null ? null : <ErrorBox error={cancel.error} onDismiss={cancel.clear} />}
      <Progress
        download={download}
        pending={cancel}
        onCancel={() => bridge.request("cancel_download", {})}
      />
    </section>
  );
}
