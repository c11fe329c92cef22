/** Task counts of a group by status, and its sums. */

import { currentSums, type ServiceTime, useNow } from "../clock";
import type { SumsView } from "../contract";
import { formatCost, formatCount, formatDuration, formatGrowing } from "../format";
import { Icon } from "../parts/Icons";
import { countsByGroup, STATUS_GROUP_TITLES } from "../parts/StatusFilter";

/**
 * The cost and the computation time of several tasks as texts, null where there is none. Counted
 * on and rounded as in their rows: down while one is computing.
 */
export function useSums(sums: SumsView, time: ServiceTime, isLive: boolean) {
  const isGrowing = sums.growth !== null;
  const { cost, seconds } = currentSums(sums, useNow(time, isLive && isGrowing));
  return {
    cost: cost === null ? null : formatCost(cost),
    seconds: seconds === 0 ? null : (isGrowing ? formatGrowing : formatDuration)(seconds),
  };
}

export function GroupCounts({ counts }: { counts: Record<string, number> }) {
  const sums = countsByGroup(counts);
  return (
    <>
      {STATUS_GROUP_TITLES.map(([group, title]) => {
        const count = sums.get(group) ?? 0;
        return count === 0 ? null : (
          <span key={group} class={`iw-count iw-status-${group}`} title={title}>
            <Icon name={group} />
            {formatCount(count)}
            <span class="iw-visually-hidden"> {title}</span>
          </span>
        );
      })}
    </>
  );
}
