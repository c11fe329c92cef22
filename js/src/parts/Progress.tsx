/** A download: how far, how fast, how long, and where it went. */
import { useRef } from "preact/hooks";
import type { DownloadView } from "../contract";
import { formatBytes, formatCount, formatEta, formatPlural, formatSpeed } from "../format";
import { CopyButton } from "./CopyButton";
import { ErrorBox } from "./ErrorBox";
import { Icon } from "./Icons";
import { type Pending, WAITING } from "./pending";

/** Percent of the bytes, or null where the total is unknown. */
export function percentOf(download: DownloadView): number | null {
  const { bytes_done: done, bytes_total: total } = download;
  if (total === null) return null;
  if (total <= 0) return download.phase === "done" ? 100 : 0;
  return Math.max(0, Math.min(100, Math.floor((100 * done) / total)));
}

export function progressText(download: DownloadView): string {
  const { bytes_done, bytes_total, files_done, files_total, speed, eta } = download;
  const parts = [
    bytes_total === null
      ? formatBytes(bytes_done)
      : `${formatBytes(bytes_done)} of ${formatBytes(bytes_total)}`,
  ];
  if (files_total !== null && files_total > 1) {
    parts.push(`${formatCount(files_done)} of ${formatPlural(files_total, "file")}`);
  }
  if (speed !== null) parts.push(formatSpeed(speed));
  if (eta !== null) parts.push(formatEta(eta));
  return parts.join(" · ");
}

interface Props {
  download: DownloadView;
  pending: Pending;
  onCancel: () => Promise<unknown>;
}

export function Progress({ download, pending, onCancel }: Props) {
  if (download.phase === "failed") {
    const error = download.error ?? {
      title: "The download failed.",
      detail: "",
      report: "",
    };
    return <ErrorBox error={error} />;
  }
  if (download.phase === "done") return <Saved download={download} />;
  if (download.phase === "cancelled") {
    return (
      <div class="iw-strip iw-dim">
        <Icon name="off" />
        <span>Download cancelled after {formatBytes(download.bytes_done)}.</span>
      </div>
    );
  }
  return (
    <div class="iw-strip">
      <ProgressBar download={download} />
      <span class="iw-num iw-dim">{progressText(download)}</span>
      <button
        type="button"
        class="iw-button"
        disabled={pending.isBusy}
        title={pending.isSlow ? WAITING : undefined}
        onClick={() => void pending.run(onCancel)}
      >
        Cancel download
      </button>
    </div>
  );
}

export function ProgressBar({ download }: { download: DownloadView }) {
  const percent = percentOf(download);
  return (
    <span
      class={percent === null ? "iw-progress iw-unmeasured" : "iw-progress"}
      role="progressbar"
      aria-label="Download"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent ?? undefined}
      aria-valuetext={progressText(download)}
    >
      <i style={{ width: `${percent ?? 30}%` }} />
    </span>
  );
}

function Saved({ download }: { download: DownloadView }) {
  const source = useRef<HTMLElement>(null);
  const { path, files_done: files, bytes_done: bytes } = download;
  return (
    <div class="iw-strip">
      <span class="iw-saved-mark">
        <Icon name="ok" />
      </span>
      {path === null ? (
        <span class="iw-saved">Download finished</span>
      ) : (
        <span class="iw-saved">
          Saved to{" "}
          <code class="iw-mono iw-text" ref={source}>
            {path}
          </code>
          <CopyButton text={path} label="Copy path" source={source} />
        </span>
      )}
      <span class="iw-num iw-dim">
        {files > 0 ? `${formatPlural(files, "file")} · ` : ""}
        {formatBytes(bytes)}
      </span>
    </div>
  );
}
