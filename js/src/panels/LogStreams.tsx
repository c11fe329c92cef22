/** The streams of a simulator, with what each has written. */
import { formatBytes } from "../format";

export const STREAMS: readonly string[] = ["stdout.txt", "stderr.txt"];

interface Props {
  name: string;
  /** Null where it is not known. */
  sizeOf(name: string): number | null;
  onName(name: string): void;
}

export function LogStreams({ name, sizeOf, onName }: Props) {
  function move(event: KeyboardEvent) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const tabs = [...(event.currentTarget as HTMLElement).children] as HTMLElement[];
    // There are two: both ways lead to the other one.
    const other = STREAMS.findIndex((stream) => stream !== name);
    tabs[other]?.focus();
    onName(STREAMS[other] as string);
  }
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: its tabs are what has the focus
    <div class="iw-log-streams" role="tablist" aria-label="Streams" onKeyDown={move}>
      {STREAMS.map((stream) => {
        const size = sizeOf(stream);
        return (
          <button
            key={stream}
            type="button"
            role="tab"
            class="iw-tab"
            aria-selected={stream === name}
            tabIndex={stream === name ? 0 : -1}
            onClick={() => onName(stream)}
          >
            {stream.replace(".txt", "")}
            {size === null ? null : (
              <span class="iw-tab-count"> {size === 0 ? "empty" : formatBytes(size)}</span>
            )}
          </button>
        );
      })}
    </div>
  );
}
