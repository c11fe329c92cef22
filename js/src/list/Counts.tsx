/** How many tasks of each kind there are in a group. */
import { formatCount } from "../format";
import { Icon } from "../parts/Icons";
import { sumsOf, TITLES } from "../parts/Tones";

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
