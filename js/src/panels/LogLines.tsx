/** The lines of a log, in blocks that the browser lays out when they become visible. */
import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import type { Line } from "./ansi";
import { type Match, splitByMatches } from "./log_text";

/** Lines of a block. */
const BLOCK = 100;
export const LINE_HEIGHT = 17;

interface Props {
  lines: readonly Line[];
  matches: readonly Match[];
  /** Number of the match that was gone to. */
  chosen: number;
}

interface Drawn {
  lines: readonly Line[];
  matches: string;
  node: VNode;
}

export function LogLines({ lines, matches, chosen }: Props) {
  // A block whose lines are the same objects is not even compared.
  const drawn = useRef<Drawn[]>([]);
  const blocks: Drawn[] = [];
  let first = 0;
  for (let start = 0; start < lines.length; start += BLOCK) {
    const part = lines.slice(start, start + BLOCK);
    let next = first;
    while (next < matches.length && (matches[next] as Match).line < start + BLOCK) next += 1;
    const own = matches.slice(first, next);
    const key = own
      .map((match, i) => `${match.line}:${match.start}:${match.stop}:${first + i === chosen}`)
      .join();
    const before = drawn.current[blocks.length];
    const isSame =
      before?.matches === key &&
      before.lines.length === part.length &&
      before.lines.every((line, i) => line === part[i]);
    blocks.push(
      isSame
        ? before
        : { lines: part, matches: key, node: drawBlock(part, start, own, first, chosen) },
    );
    first = next;
  }
  drawn.current = blocks;
  return <>{blocks.map(({ node }) => node)}</>;
}

function drawBlock(
  lines: readonly Line[],
  start: number,
  matches: readonly Match[],
  first: number,
  chosen: number,
): VNode {
  return (
    <div
      key={start}
      class="iw-log-block"
      style={{ containIntrinsicSize: `auto ${lines.length * LINE_HEIGHT}px` }}
    >
      {lines.map((line, index) => (
        // Lines are only ever added at the end, so the place is the identity.
        <div key={index} class="iw-log-line">
          {drawLine(line, start + index, matches, first, chosen)}
        </div>
      ))}
    </div>
  );
}

function drawLine(
  line: Line,
  number: number,
  matches: readonly Match[],
  first: number,
  chosen: number,
) {
  if (line.length === 0) return "\n";
  const offset = matches.findIndex((match) => match.line === number);
  const own = offset === -1 ? [] : matches.filter((match) => match.line === number);
  return splitByMatches(line, own, first + offset).map(({ text, run, match }, index) => {
    const paint = line[run]?.paint ?? null;
    const inner =
      match === null ? (
        text
      ) : (
        <mark class={match === chosen ? "iw-log-match iw-log-chosen" : "iw-log-match"}>{text}</mark>
      );
    return paint === null ? (
      inner
    ) : (
      <span key={index} class={paint.class} style={paint.style}>
        {inner}
      </span>
    );
  });
}
