/** A task: status, progress, failure, details, log, files and actions. */
import { useRef, useState } from "preact/hooks";
import type { Bridge } from "../bridge";
import type { ServiceTime } from "../clock";
import { LazyPanel } from "../code_splitting";
import type {
  DownloadView,
  ErrorView,
  FilesView,
  LogMetricsView,
  LogView,
  OutputsView,
  PollStatusView,
  TaskView,
} from "../contract";
import { hasEnded } from "../download_progress";
import { formatCount } from "../format";
import type { Requests } from "../messages";
import { truncate } from "./Badge";
import { CardFacts, CardHead } from "./CardHead";
import { Details } from "./Details";
import { ErrorBox } from "./ErrorBox";
import { FailureBox } from "./FailureBox";
import { KillButton } from "./KillButton";
import { LogMetrics } from "./LogMetrics";
import { NotifyButton, NotifyNotice, useNotify } from "./NotifyButton";
import { PhaseBar } from "./PhaseBar";
import { PollStatus } from "./PollStatus";
import { Progress } from "./Progress";
import { type Tab, Tabs } from "./Tabs";
import { useRequest, WAITING_FOR_KERNEL } from "./useRequest";

/** What a card can ask for; refusals are rejected promises. */
export interface CardActions {
  kill(): Promise<unknown>;
  log(name: string, side: Omit<Requests["log"], "task_id" | "name">): Promise<LogView>;
  /** The working folder, while the task computes. */
  files(): Promise<FilesView>;
  outputs(): Promise<OutputsView>;
  download(names: string[] | null): Promise<unknown>;
  pauseDownload(): Promise<unknown>;
  /** After a pause, a cancel or a failure. */
  resumeDownload(): Promise<unknown>;
  cancelDownload(): Promise<unknown>;
}

interface Props {
  bridge: Bridge;
  view: TaskView;
  logMetrics: LogMetricsView | null;
  /** Whether the browser notifies when the task ends. */
  notify: boolean;
  onNotify(notify: boolean): void;
  download: DownloadView | null;
  pollStatus: PollStatusView;
  time: ServiceTime;
  actions: CardActions;
  /** An error of an action that was accepted earlier. */
  error?: ErrorView | null;
  /** Inside the list, which shows the poll status itself. */
  isEmbedded?: boolean;
  initialTab?: string | null;
}

export function Card(props: Props) {
  const { bridge, view, logMetrics, download, pollStatus, time, actions } = props;
  const { error = null, isEmbedded = false } = props;
  const isLive = !view.is_terminal;
  const [open, setOpen] = useState<string | null>(props.initialTab ?? null);
  const [stream, setStream] = useState("stdout.txt");
  const kill = useRequest();
  const transfer = useRequest();
  const steer = useRequest();
  const notifying = useNotify(view, props.notify, props.onNotify);
  const [dismissed, setDismissed] = useState<ErrorView | null>(null);

  const failed = kill.error ?? transfer.error ?? steer.error;
  const pushed = error === dismissed ? null : error;
  const epoch = useChanges(error);
  const isDownloading = download !== null && !hasEnded(download);

  const tabs: Tab[] = [
    {
      key: "log",
      title: "Log",
      render: () => (
        <LazyPanel
          key={view.id}
          bridge={bridge}
          name="Log"
          props={{ name: stream, onName: setStream, onLog: actions.log }}
        />
      ),
    },
    {
      key: "details",
      title: "Details",
      render: () => <Details view={view} time={time} />,
    },
  ];
  if (!view.has_outputs && isComputing(view)) {
    tabs.splice(1, 0, {
      // The same as of the outputs, which take its place at the end: what is open stays open.
      key: "outputs",
      title: "Files",
      render: () => (
        <LazyPanel
          key={view.id}
          bridge={bridge}
          name="WorkingFiles"
          props={{ onFiles: actions.files, onLog: actions.log, time }}
        />
      ),
    });
  }
  if (view.has_outputs) {
    tabs.splice(1, 0, {
      key: "outputs",
      title: "Outputs",
      ...(view.output_files === null ? {} : { count: formatCount(view.output_files) }),
      render: () => (
        <LazyPanel
          key={view.id}
          bridge={bridge}
          name="Outputs"
          props={{
            onList: actions.outputs,
            onDownload: actions.download,
            onPreview: (name) => bridge.request("preview", { task_id: view.id, name }),
            isDownloading,
            pending: transfer,
          }}
        />
      ),
    });
  }

  return (
    <section
      class={isEmbedded ? "iw-embedded" : "iw-frame"}
      aria-label={`Task ${truncate(view.id)}`}
    >
      <CardHead view={view} time={time}>
        {view.can_kill ? (
          // A kill that was accepted and failed later starts over.
          <KillButton key={epoch} pending={kill} onKill={actions.kill} />
        ) : null}
      </CardHead>
      <CardFacts view={view} time={time} />
      <PhaseBar row={view} time={time} />
      {logMetrics ? (
        <LogMetrics bridge={bridge} metrics={logMetrics} view={view} time={time} />
      ) : null}
      {view.failure === null ? null : (
        <FailureBox
          failure={view.failure}
          group={view.status_group}
          onLog={
            view.has_outputs
              ? (name) => {
                  setStream(name);
                  setOpen("log");
                }
              : null
          }
        />
      )}
      {pollStatus.notice === null || isEmbedded ? null : (
        <div class="iw-note" role="note">
          {pollStatus.notice}
        </div>
      )}
      {[kill, transfer, steer].some(({ isSlow }) => isSlow) ? (
        <div class="iw-note" role="note">
          {WAITING_FOR_KERNEL}
        </div>
      ) : null}
      {failed === null ? null : (
        <ErrorBox
          error={failed}
          onDismiss={() => {
            for (const pending of [kill, transfer, steer]) pending.clear();
          }}
        />
      )}
      {pushed === null ? null : <ErrorBox error={pushed} onDismiss={() => setDismissed(pushed)} />}
      <NotifyNotice notifying={notifying} />
      <Tabs tabs={tabs} open={open} onOpen={setOpen} label={`Task ${truncate(view.id)}`}>
        {isEmbedded || (view.is_terminal && pollStatus.offline_since === null) ? null : (
          <PollStatus status={pollStatus} time={time} isLive={isLive} />
        )}
        {isLive ? <NotifyButton notifying={notifying} /> : null}
      </Tabs>
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

/** Whether there is a working folder to look into. */
const isComputing = ({ is_terminal, status }: TaskView): boolean =>
  !is_terminal && /^computation-(started|ended)$/.test(status);

/** How often a value has changed: a key for what must start over then. */
function useChanges(value: unknown): number {
  const seen = useRef({ value, count: 0 });
  if (seen.current.value !== value) seen.current = { value, count: seen.current.count + 1 };
  return seen.current.count;
}
