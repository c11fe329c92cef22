/** Task counts of a group by status. */

import type { GroupView } from "../contract";
import { formatCount, formatDuration, formatGrowing } from "../format";
import { Icon } from "../parts/Icons";
import { countsByGroup, STATUS_GROUP_TITLES } from "../parts/StatusFilter";

/** The computation time of several tasks, rounded as in their lines: down while one still runs. */
export function formatSum({ counts, seconds }: Pick<GroupView, "counts" | "seconds">): string {
  return (countsByGroup(counts).has("run") ? formatGrowing : formatDuration)(seconds);
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
