/** The preview of an output file. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { errorView } from "../bridge";
import type { ErrorView, FileView, PreviewView } from "../contract";
import { formatBytes } from "../format";
import { truncate } from "../parts/Badge";
import { CopyButton } from "../parts/CopyButton";
import { ErrorBox } from "../parts/ErrorBox";
import { Icon, type IconName } from "../parts/Icons";
import { SLOW_AFTER_MS, WAITING_FOR_KERNEL } from "../parts/useRequest";
import { PreviewContent } from "./PreviewContent";
import { visibleName } from "./visible_name";

interface Props {
  file: FileView;
  onPreview(name: string): Promise<PreviewView>;
  onPrevious: (() => void) | undefined;
  onNext: (() => void) | undefined;
  onClose(): void;
}

interface Answer {
  /** Of which file: the answer stays in sight until the next one is there. */
  name: string;
  view: PreviewView | null;
  error: ErrorView | null;
}

export function Preview({ file, onPreview, onPrevious, onNext, onClose }: Props) {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [isSlow, setSlow] = useState(false);
  const [tries, setTries] = useState(0);
  const [isWrapped, setWrapped] = useState(true);
  const body = useRef<HTMLDivElement>(null);
  const { name } = file;
  const said = truncate(visibleName(name));

  // biome-ignore lint/correctness/useExhaustiveDependencies: one question a file; `tries` asks again
  useLayoutEffect(() => {
    let isOver = false;
    setSlow(false);
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER_MS);
    const settle = (view: PreviewView | null, error: ErrorView | null) => {
      clearTimeout(timer);
      // Another file was asked for since: answers may overtake one another.
      if (isOver) return;
      setAnswer({ name, view, error });
      if (body.current) body.current.scrollTop = 0;
    };
    onPreview(name).then(
      (view) => settle(view, null),
      (thrown) => settle(null, errorView(thrown)),
    );
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [name, tries]);

  const isThere = answer?.name === name;
  const view = answer?.view ?? null;
  const text = isThere && view !== null && "text" in view ? view.text : null;
  return (
    <section class="iw-preview" aria-label={`Preview of ${said}`} aria-busy={!isThere}>
      <div class="iw-preview-head">
        <b class="iw-cell" title={said}>
          <bdi>{said}</bdi>
        </b>
        <span class="iw-muted iw-num">{formatBytes(file.size)}</span>
        <span class="iw-grow" />
        {text === null ? null : (
          <>
            {view?.kind === "hex" ? null : (
              <button
                type="button"
                class="iw-button iw-button-plain"
                aria-pressed={isWrapped}
                onClick={() => setWrapped(!isWrapped)}
              >
                Wrap
              </button>
            )}
            <CopyButton text={text} label="Copy what is shown" source={body} />
          </>
        )}
        <Step icon="up" label="Previous file" onClick={onPrevious} />
        <Step icon="down" label="Next file" onClick={onNext} />
        <Step icon="bad" label="Close preview" onClick={onClose} />
      </div>
      {isThere && view?.note ? <div class="iw-preview-note iw-muted">{view.note}</div> : null}
      <div
        class={isThere ? "iw-preview-body" : "iw-preview-body iw-stale"}
        role="group"
        aria-label="Content"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
        tabIndex={0}
        ref={body}
      >
        {!isThere && (isSlow || answer === null) ? (
          <div class="iw-empty" role="note">
            {isSlow ? WAITING_FOR_KERNEL : "Reading the file…"}
          </div>
        ) : null}
        {isThere && answer.error !== null ? (
          <ErrorBox error={answer.error}>
            <button
              type="button"
              class="iw-button"
              onClick={() => {
                setAnswer(null);
                setTries(tries + 1);
              }}
            >
              Try again
            </button>
          </ErrorBox>
        ) : null}
        {view === null ? null : (
          <PreviewContent key={view.name} view={view} isWrapped={isWrapped} />
        )}
      </div>
    </section>
  );
}

function Step(props: { icon: IconName; label: string; onClick: (() => void) | undefined }) {
  return (
    <button
      type="button"
      class="iw-button iw-button-plain"
      aria-label={props.label}
      title={props.label}
      disabled={props.onClick === undefined}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}
