/** A download: progress, speed, remaining time, active files and destination. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { DownloadView, FileProgressView } from "../contract";
import {
  assignSlots,
  type FileSlots,
  formatAmount,
  NO_SLOTS,
  percentOf,
  percentOfAll,
  progressText,
  segmentsOf,
  slotIndices,
  splitName,
} from "../download_progress";
import { formatPlural } from "../format";
import { truncate } from "./Badge";
import { CopyButton } from "./CopyButton";
import { ErrorBox } from "./ErrorBox";
import { Icon } from "./Icons";
import { type PendingRequest, WAITING_FOR_KERNEL } from "./useRequest";

interface Props {
  download: DownloadView;
  pending: PendingRequest;
  onPause: () => Promise<unknown>;
  onResume: () => Promise<unknown>;
  onCancel: () => Promise<unknown>;
  /** Restarts a failed or cancelled download; absent while a cell waits for the result. */
  onAgain?: () => Promise<unknown>;
}

export function Progress({ download, pending, onAgain, ...rest }: Props) {
  switch (download.phase) {
    case "done":
      return <FinishedDownload download={download} />;
    case "failed":
    case "cancelled":
      return (
        <StoppedDownload download={download} canGoOn={onAgain !== undefined}>
          {onAgain === undefined ? null : (
            <button
              type="button"
              class="iw-button"
              disabled={pending.isBusy}
              onClick={() => void pending.run(onAgain)}
            >
              Resume download
            </button>
          )}
        </StoppedDownload>
      );
    default:
      return <ActiveDownload download={download} pending={pending} {...rest} />;
  }
}

function ActiveDownload({
  download,
  pending,
  onPause,
  onResume,
  onCancel,
}: Omit<Props, "onAgain">) {
  const places = useRef(NO_SLOTS);
  places.current = assignSlots(places.current, download, Date.now());
  const isWaiting = download.phase === "waiting";
  const isPaused = download.phase === "paused";
  const percent = percentOfAll(download);
  return (
    <div class={`iw-strip iw-download ${isWaiting || isPaused ? "iw-paused" : ""}`}>
      <div class="iw-download-head">
        {isWaiting ? (
          <span class="iw-download-numbers">
            Another download fills this folder: waiting for it
          </span>
        ) : (
          <span class="iw-download-numbers">
            {segmentsOf(download).map(({ key, text, widest }) => (
              <span class={`iw-segment-text iw-progress-${key}`} key={key} data-widest={widest}>
                {text}{" "}
              </span>
            ))}
          </span>
        )}
        <span class="iw-buttons">
          {isWaiting ? null : (
            <button
              type="button"
              class="iw-button iw-pause"
              // Not disabled during the request: a disabled button loses the focus.
              onClick={() => {
                if (!pending.isBusy) void pending.run(isPaused ? onResume : onPause);
              }}
            >
              {isPaused ? "Resume" : "Pause"}
            </button>
          )}
          <button
            type="button"
            class="iw-button"
            disabled={pending.isBusy}
            title={pending.isSlow ? WAITING_FOR_KERNEL : undefined}
            onClick={() => void pending.run(onCancel)}
          >
            Cancel download
          </button>
        </span>
      </div>
      <div class="iw-download-line">
        <ProgressBar download={download} />
        <span class="iw-num iw-percent">{percent === null ? "" : `${percent}%`}</span>
      </div>
      {isWaiting ? null : <Files places={places.current} download={download} />}
    </div>
  );
}

interface FilesProps {
  places: FileSlots;
  download: DownloadView;
}

function Files({ places, download }: FilesProps) {
  const { slots, more, hadMore } = places;
  return (
    <div class="iw-download-files">
      {Array.from({ length: slotIndices(download, places) }, (_, index) => {
        const slot = slots[index];
        return (
          <div
            key={index}
            class={slot?.isGone ? "iw-download-file iw-finished" : "iw-download-file"}
            aria-hidden={slot?.isGone || undefined}
          >
            {slot === undefined ? null : <FileProgress key={slot.file.name} {...slot.file} />}
          </div>
        );
      })}
      {hadMore ? <div class="iw-download-more">{more === 0 ? "" : `and ${more} more`}</div> : null}
    </div>
  );
}

function FileProgress({ name, done, total }: FileProgressView) {
  const percent = percentOf(done, total) ?? 0;
  const shown = truncate(name);
  const [start, end] = splitName(shown);
  return (
    <>
      <span class="iw-progress-name" title={shown}>
        <bdi class="iw-progress-name-start">{start}</bdi>
        <bdi class="iw-progress-name-end">{end}</bdi>
      </span>
      <Bar label={shown} percent={percent} />
      <span class="iw-num iw-percent">{percent}%</span>
    </>
  );
}

export function ProgressBar({ download }: { download: DownloadView }) {
  return (
    <Bar
      label="Download"
      percent={percentOfAll(download)}
      isResting={download.phase !== "running"}
      words={progressText(download)}
    />
  );
}

interface BarProps {
  label: string;
  /** Null where the total is unknown. */
  percent: number | null;
  isResting?: boolean;
  words?: string;
}

export function Bar({ label, percent, isResting = false, words }: BarProps) {
  return (
    <span
      class={`iw-progress${percent === null ? " iw-unmeasured" : ""}${isResting ? " iw-paused" : ""}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent ?? undefined}
      aria-valuetext={words}
    >
      <i style={{ width: `${percent ?? 30}%` }} />
    </span>
  );
}

function FinishedDownload({ download }: { download: DownloadView }) {
  const source = useRef<HTMLElement>(null);
  const { path, files_done: files, bytes_done: bytes } = download;
  return (
    <div class="iw-strip">
      <span class="iw-saved-mark">
        <Icon name="ok" />
      </span>
      <span class="iw-saved">
        Downloaded {files > 0 ? `${formatPlural(files, "file")}, ` : ""}
        {formatAmount(bytes)}
        {path === null ? null : (
          <>
            , to{" "}
            <code class="iw-mono iw-text" ref={source}>
              {path}
            </code>
          </>
        )}
      </span>
      {path === null ? null : <CopyButton text={path} label="Copy path" source={source} />}
    </div>
  );
}

interface StoppedProps {
  download: DownloadView;
  canGoOn: boolean;
  children: ComponentChildren;
}

function StoppedDownload({ download, canGoOn, children }: StoppedProps) {
  const { phase, bytes_done: done, bytes_total: total } = download;
  const again = `${canGoOn ? "downloading" : "calling"} again goes on from there.`;
  if (phase === "cancelled") {
    return (
      <div class="iw-strip">
        <span class="iw-muted">
          <Icon name="off" />
        </span>
        <span class="iw-saved">
          Cancelled at {formatAmount(done, total)}; {again}
        </span>
        {children}
      </div>
    );
  }
  const error = download.error ?? { title: "The download failed", detail: "", report: "" };
  const where = `Stopped at ${formatAmount(done, total)}; ${again}`;
  return (
    <ErrorBox error={{ ...error, detail: [error.detail, where].filter(Boolean).join("\n") }}>
      {children}
    </ErrorBox>
  );
}
