/** Selects the output stream, with the size of each. */
export const STREAMS: readonly string[] = ["stdout.txt", "stderr.txt"];

interface Props {
  name: string;
  /** Size as text; empty if unknown. */
  sizeOf(name: string): string;
  onName(name: string): void;
}

export function LogStreams({ name, sizeOf, onName }: Props) {
  function move(event: KeyboardEvent) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const tabs = [...(event.currentTarget as HTMLElement).children] as HTMLElement[];
    // There are two streams, so that both arrow keys do the same.
    const other = STREAMS.findIndex((stream) => stream !== name);
    tabs[other]?.focus();
    onName(STREAMS[other] as string);
  }
  return (
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
            {size === "" ? null : <span class="iw-tab-count"> {size}</span>}
          </button>
        );
      })}
    </div>
  );
}
