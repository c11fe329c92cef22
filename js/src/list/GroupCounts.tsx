/** How many tasks of each kind there are in a group. */

import type { GroupView } from "../contract";
import { formatCount, formatGrowing, formatShort } from "../format";
import { Icon } from "../parts/Icons";
import { sumsOf, TITLES } from "../parts/Tones";

/** The computation time of several tasks, rounded as in their lines: down while one still runs. */
export function formatSum({ counts, seconds }: Pick<GroupView, "counts" | "seconds">): string {
  return (sumsOf(counts).has("run") ? formatGrowing : formatShort)(seconds);
}

export function Counts({ counts }: { counts: Record<string, number> }) {
  const sums = sumsOf(counts);
  return (
    <>
      {TITLES.map(([tone, title]) => {
        const count = sums.get(tone) ?? 0;
        return count === 0 ? null : (
          <span key={tone} class={`iw-count iw-ink-${tone}`} title={title}>
            <Icon name={tone} />
            {formatCount(count)}
            <span class="iw-hidden"> {title}</span>
          </span>
        );
      })}
    </>
  );
}
