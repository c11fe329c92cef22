/** How many tasks there are of each kind. */
import { formatCount } from "../format";
import { Icon, toneOf } from "./Icons";

const TITLES = [
  ["run", "Running"],
  ["wait", "Waiting"],
  ["ok", "Success"],
  ["bad", "Failed"],
  ["off", "Stopped"],
  ["unknown", "Other"],
] as const;

interface Props {
  total: number;
  counts: Record<string, number>;
  isDemo: boolean;
}

export function ListHead({ total, counts, isDemo }: Props) {
  // Tones of a newer kernel are counted with the unknown ones, so that the sum stays right.
  const sums = new Map<string, number>();
  for (const [tone, count] of Object.entries(counts)) {
    sums.set(toneOf(tone), (sums.get(toneOf(tone)) ?? 0) + count);
  }
  return (
    <div class="iw-list-head">
      <ul class="iw-chips" aria-label="Tasks by status">
        <li class="iw-chip iw-chip-all">All {formatCount(total)}</li>
        {TITLES.map(([tone, title]) => {
          const count = sums.get(tone) ?? 0;
          return count === 0 ? null : (
            <li key={tone} class={`iw-chip iw-chip-${tone}`}>
              <Icon name={tone} />
              <span>
                {title} {formatCount(count)}
              </span>
            </li>
          );
        })}
      </ul>
      <span class="iw-grow" />
      {isDemo ? (
        <span class="iw-demo" title="Example tasks that come with the package">
          DEMO
        </span>
      ) : null}
    </div>
  );
}
