/** The Log tab: the output streams of the simulator, live. */
import type { ComponentChildren } from "preact";
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { onTick } from "../clock";
import type { LogView } from "../contract";
import type { Requests } from "../messages";
import { CopyButton } from "../parts/CopyButton";
import { ErrorBox } from "../parts/ErrorBox";
import { Icon } from "../parts/Icons";
import { useRequest, WAITING_FOR_KERNEL } from "../parts/useRequest";
import { LogLines } from "./LogLines";
import { LogSearch } from "./LogSearch";
import { LogStreams, STREAMS } from "./LogStreams";
import { findMatches, LogText, type Side } from "./log_text";
import { rectOf, reveal, useStickToBottom } from "./useStickToBottom";

/** The stream that is not looked at is asked for its size less often, in ticks. */
const SELDOM = 5;

interface Props {
  /** The files that can be shown, at most two. */
  names?: readonly string[];
  /** In place of their tabs. */
  title?: ComponentChildren;
  /** The stream that is looked at. */
  name: string;
  onName(name: string): void;
  onLog(name: string, side: Omit<Requests["log"], "task_id" | "name">): Promise<LogView>;
}

export function Log({ names = STREAMS, title, name, onName, onLog }: Props) {
  const loading = useRequest();
  const texts = useMemo(() => new Map(names.map((stream) => [stream, new LogText()])), [names]);
  const [, setVersion] = useState(0);
  const [isFollowing, setFollowing] = useState(true);
  const [isWrapped, setWrapped] = useState(true);
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const shown = texts.get(name) as LogText;

  // One request at a time; later ones are queued.
  const underWay = useRef<Promise<unknown> | null>(null);
  const isGone = useRef(false);
  useLayoutEffect(
    () => () => {
      isGone.current = true;
    },
    [],
  );
  const ask = useCallback(
    async (stream: string, side: Side): Promise<void> => {
      while (underWay.current !== null) await underWay.current;
      if (isGone.current) return;
      underWay.current = loading.run(async () => {
        const text = texts.get(stream);
        const isKnown = text !== undefined && text.edition !== "";
        const view = await onLog(stream, isKnown ? { ...side, edition: text.edition } : side);
        text?.take(view, side);
        setVersion((version) => version + 1);
      });
      await underWay.current;
      underWay.current = null;
    },
    [loading.run, onLog, texts],
  );

  // The visible stream first, then the second stream, for its size.
  // biome-ignore lint/correctness/useExhaustiveDependencies: again after each answer
  useLayoutEffect(() => {
    if (loading.isBusy || loading.error !== null) return;
    const unknown = [name, ...names].find((stream) => texts.get(stream)?.isKnown === false);
    if (unknown !== undefined) void ask(unknown, {});
  }, [ask, name, names, loading.isBusy, loading.error]);

  const follows = isFollowing && loading.error === null && shown.isKnown && shown.canGrow;
  useLayoutEffect(() => {
    if (!follows) return undefined;
    let ticks = 0;
    return onTick(() => {
      if (underWay.current !== null || content.current?.ownerDocument.hidden) return;
      ticks += 1;
      const other = names.find((stream) => stream !== name) ?? name;
      const stream = ticks % SELDOM === 0 ? other : name;
      void ask(stream, { after: texts.get(stream)?.stop ?? 0 });
    });
  }, [follows, ask, name, names, texts]);

  const { version } = shown;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` changes with the content
  const lines = useMemo(() => shown.lines, [shown, version]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  const text = useMemo(() => shown.text, [shown, version]);
  const matches = useMemo(() => findMatches(lines, query), [lines, query]);
  const current = Math.min(chosen, matches.length - 1);
  const pin = useStickToBottom(scroller, content, isFollowing, setFollowing);

  // What people look at stays where it is when lines come in front of it.
  const heldAt = useRef<number | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: after each change of the lines
  useLayoutEffect(() => {
    if (heldAt.current === null || scroller.current === null) return;
    scroller.current.scrollTop += topOf(shown.prepended) - heldAt.current;
    heldAt.current = null;
  }, [lines]);

  /** Position of a line, from the top of the visible part. */
  function topOf(line: number): number {
    const node = content.current?.querySelectorAll(".iw-log-line")[line];
    const top = scroller.current?.getBoundingClientRect().top ?? 0;
    return node ? rectOf(node).top - top : 0;
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: when another match is gone to
  useLayoutEffect(() => {
    const mark = content.current?.querySelector(".iw-log-chosen");
    if (mark && scroller.current) reveal(mark, scroller.current);
  }, [current, query, isWrapped]);

  async function earlier() {
    setFollowing(false);
    heldAt.current = topOf(0);
    await ask(name, { before: shown.start });
  }

  async function toEnd() {
    setFollowing(true);
    pin();
    if (shown.stop < shown.size) await ask(name, {});
  }

  function search(text: string) {
    setQuery(text);
    // Logs are read from their end: the last match is the first one gone to.
    setChosen(Number.POSITIVE_INFINITY);
    if (text !== "") setFollowing(false);
  }

  function step(by: 1 | -1) {
    if (matches.length > 0) setChosen((current + by + matches.length) % matches.length);
  }

  const following = isFollowing ? "following" : "not following";
  const said = loading.isSlow ? WAITING_FOR_KERNEL : shown.canGrow ? following : "";
  const unread = loading.isSlow ? WAITING_FOR_KERNEL : "Reading the log…";
  const note = shown.isKnown ? shown.note : loading.error === null ? unread : "";

  return (
    <div>
      <div class="iw-log-bar">
        {title ?? (
          <LogStreams
            name={name}
            sizeOf={(stream) => texts.get(stream)?.sizeText ?? ""}
            onName={(stream) => {
              setFollowing(true);
              onName(stream);
            }}
          />
        )}
        <LogSearch
          query={query}
          count={matches.length}
          chosen={current}
          onQuery={search}
          onStep={step}
        />
        <span class="iw-log-tools">
          <label class="iw-log-wrap">
            <input
              type="checkbox"
              checked={isWrapped}
              onChange={(event) => setWrapped(event.currentTarget.checked)}
            />
            Wrap
          </label>
          <CopyButton text={text} label="Copy all that is loaded" source={content} />
        </span>
      </div>
      {loading.error === null ? null : (
        <ErrorBox error={loading.error} onDismiss={loading.clear} dismissLabel="Try again" />
      )}
      <div
        class={
          isWrapped ? "iw-scroller iw-log-scroller iw-log-wrapped" : "iw-scroller iw-log-scroller"
        }
        ref={scroller}
        role="log"
        aria-live="off"
        aria-label={name}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by the keyboard
        tabIndex={0}
      >
        {shown.start > 0 ? (
          <button type="button" class="iw-button iw-button-plain iw-log-earlier" onClick={earlier}>
            <Icon name="up" /> Earlier
          </button>
        ) : null}
        <div class="iw-mono iw-log-text" ref={content}>
          <LogLines lines={lines} matches={matches} chosen={current} />
        </div>
        {note === "" || shown.size > 0 ? null : (
          <div class="iw-empty" role="note">
            {note}
          </div>
        )}
      </div>
      {shown.size === 0 ? null : (
        <div class="iw-foot iw-log-foot">
          <span>{[shown.extent, shown.lost, said, note].filter(Boolean).join(" · ")}</span>
          <span class="iw-grow" />
          {isFollowing ? null : (
            <button type="button" class="iw-button" onClick={toEnd}>
              <Icon name="down" /> Jump to end
            </button>
          )}
        </div>
      )}
    </div>
  );
}
