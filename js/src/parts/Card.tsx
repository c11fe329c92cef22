/** One task: what it is, how far it is, why it failed, its files, and what can be done with it. */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Bridge } from "../bridge";
import { type ServiceTime, secondsOf, useNow } from "../clock";
import type { DownloadView, ErrorView, FeedView, OutputsView, TaskView } from "../contract";
import {
  formatAgo,
  formatClock,
  formatCost,
  formatCount,
  formatMoment,
  formatShort,
} from "../format";
import { Lazy } from "../lazy";
import { phasesOf } from "../phases";
import { hasEnded } from "../progress";
import { Badge, clip } from "./Badge";
import { CopyButton } from "./CopyButton";
import { Details } from "./Details";
import { ErrorBox } from "./ErrorBox";
import { Failure } from "./Failure";
import { FeedLine } from "./FeedLine";
import { KillButton } from "./KillButton";
import { Progress } from "./Progress";
import { usePending, WAITING } from "./pending";
import { type Tab, Tabs } from "./Tabs";
import { Timeline } from "./Timeline";

/** What a card can ask for; refusals are rejected promises. */
export interface CardActions {
  kill(): Promise<unknown>;
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
  download: DownloadView | null;
  feed: FeedView;
  time: ServiceTime;
  actions: CardActions;
  /** An error that the kernel told unasked, of an action accepted earlier. */
  error?: ErrorView | null;
  /** Inside the list, which tells the freshness itself. */
  isEmbedded?: boolean;
  initialTab?: string | null;
}

export function Card(props: Props) {
  const { bridge, view, download, feed, time, actions, error = null, isEmbedded = false } = props;
  const isLive = !view.is_terminal;
  const [open, setOpen] = useState<string | null>(props.initialTab ?? null);
  const kill = usePending();
  const transfer = usePending();
  const steer = usePending();
  const [dismissed, setDismissed] = useState<ErrorView | null>(null);

  const failed = kill.error ?? transfer.error ?? steer.error;
  const pushed = error === dismissed ? null : error;
  const epoch = useChanges(error);
  const isDownloading = download !== null && !hasEnded(download);

  const tabs: Tab[] = [
    {
      key: "details",
      title: "Details",
      render: () => <Details view={view} time={time} />,
    },
  ];
  if (view.has_outputs) {
    tabs.unshift({
      key: "outputs",
      title: "Outputs",
      ...(view.output_files === null ? {} : { count: formatCount(view.output_files) }),
      render: () => (
        <Lazy
          key={view.id}
          bridge={bridge}
          name="Outputs"
          props={{
            onList: actions.outputs,
            onDownload: actions.download,
            isDownloading,
            pending: transfer,
          }}
        />
      ),
    });
  }

  return (
    <section
      class={isEmbedded ? "iw-card iw-embedded" : "iw-card iw-frame"}
      aria-label={`Task ${clip(view.id)}`}
    >
      <Head view={view} time={time}>
        {view.can_kill ? (
          // A kill that was accepted and failed later starts over.
          <KillButton key={epoch} pending={kill} onKill={actions.kill} />
        ) : null}
      </Head>
      <Meta view={view} time={time} />
      <Timeline marks={view.marks} tone={view.tone} isTerminal={view.is_terminal} time={time} />
      {view.failure === null ? null : <Failure failure={view.failure} tone={view.tone} />}
      {[kill, transfer, steer].some(({ isSlow }) => isSlow) ? (
        <div class="iw-note" role="note">
          {WAITING}
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
      <Tabs tabs={tabs} open={open} onOpen={setOpen} label={`Task ${clip(view.id)}`}>
        {isEmbedded || (view.is_terminal && feed.offline_since === null) ? null : (
          <FeedLine feed={feed} time={time} isLive={isLive} />
        )}
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

/** How often a value has changed: a key for what must start over then. */
function useChanges(value: unknown): number {
  const seen = useRef({ value, count: 0 });
  if (seen.current.value !== value) seen.current = { value, count: seen.current.count + 1 };
  return seen.current.count;
}

function Head({
  view,
  time,
  children,
}: {
  view: TaskView;
  time: ServiceTime;
  children: ComponentChildren;
}) {
  const id = useRef<HTMLSpanElement>(null);
  return (
    <div class="iw-head">
      <Badge
        status={view.status}
        alias={view.alias}
        tone={view.tone}
        meaning={view.meaning}
        queueAhead={view.is_terminal ? null : view.queue_ahead}
      />
      {view.simulator === null ? null : (
        <b class="iw-simulator iw-text" title={clip(view.simulator)}>
          {view.simulator}
        </b>
      )}
      <span class="iw-id">
        <span class="iw-mono iw-dim iw-text" ref={id} title={clip(view.id)}>
          {view.id}
        </span>
        <CopyButton text={view.id} label="Copy id" source={id} />
      </span>
      <span class="iw-head-end">
        <Counting view={view} time={time} />
        {view.cost === null ? null : <span class="iw-num iw-dim">{formatCost(view.cost)}</span>}
        {children}
      </span>
    </div>
  );
}

/** The duration that matters now: of the computation, else of the phase that lasts. */
function Counting({ view, time }: { view: TaskView; time: ServiceTime }) {
  const now = useNow(time, !view.is_terminal);
  const [seconds, word] = countingOf(view, now);
  if (seconds === null) return null;
  return (
    <span class="iw-num">
      {time.frozen === null ? null : <span class="iw-dim">last known </span>}
      <b class="iw-counting">{formatClock(view.is_terminal ? seconds : Math.floor(seconds))}</b>
      {word === "" ? null : <span class="iw-dim"> {word}</span>}
    </span>
  );
}

function countingOf(view: TaskView, now: number): [number | null, string] {
  const { computation, is_terminal: isTerminal } = view;
  if (computation.seconds !== null)
    return [secondsOf(computation, now), isTerminal ? "" : "computed"];
  if (isTerminal) return [null, ""];
  if (computation.since !== null) return [secondsOf(computation, now), "running"];
  const phase = phasesOf(view.marks).reverse().find(({ end }) => end === null);
  if (phase === undefined) return [null, ""];
  const words = {
    queue: "waiting",
    preparing: "preparing",
    computing: "running",
    finalizing: "finalizing",
  };
  return [secondsOf({ seconds: null, since: phase.start }, now), words[phase.name] ?? ""];
}

function Meta({ view, time }: { view: TaskView; time: ServiceTime }) {
  const now = useNow(time, !view.is_terminal);
  const queue = phasesOf(view.marks).find(({ name }) => name === "queue");
  const waited = queue === undefined || queue.end === null ? null : queue.end - queue.start;
  // A status that explains itself, or that the failure explains, needs no more words.
  const explains = view.failure === null && ["bad", "off", "unknown"].includes(view.tone);
  return (
    <div class="iw-meta">
      {view.machine === null ? null : <Fact title="Machine" value={view.machine} />}
      {view.project === null ? null : <Fact title="Project" value={view.project} />}
      {view.submitted === null ? null : (
        <Fact
          title="Submitted"
          value={formatMoment(view.submitted, now)}
          {...(time.frozen === null ? { more: formatAgo(view.submitted, now) } : {})}
        />
      )}
      {waited === null ? null : (
        <Fact title="Queue" value={formatShort(Math.max(0, waited) / 1000)} />
      )}
      {explains && view.meaning ? <span class="iw-text">{view.meaning}</span> : null}
    </div>
  );
}

function Fact({ title, value, more }: { title: string; value: string; more?: string }) {
  return (
    <span class="iw-fact">
      {title}{" "}
      <b class="iw-text" title={clip(value)}>
        {value}
      </b>
      {more === undefined ? null : ` · ${more}`}
    </span>
  );
}
