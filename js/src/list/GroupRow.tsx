/** The header row of a group: totals, expand and collapse. */
import type { ServiceTime } from "../clock";
import type { GroupView } from "../contract";
import { formatPlural } from "../format";
import { truncate } from "../parts/Badge";
import { Icon } from "../parts/Icons";
import { GroupCounts, useSums } from "./GroupCounts";

interface Props {
  line: GroupView;
  index: number;
  columns: number;
  tab: number;
  time: ServiceTime;
  isLive: boolean;
  onToggle: () => void;
}

export function GroupRow({ line, index, columns, tab, time, isLive, onToggle }: Props) {
  const { cost, seconds } = useSums(line, time, isLive);
  const label = line.label === null ? "Not known" : truncate(line.label) || "(empty)";
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid looks after the keys
    <div
      role="row"
      class="iw-row iw-group"
      aria-rowindex={index + 2}
      tabIndex={tab}
      onClick={onToggle}
    >
      <span role="gridcell" class="iw-cell" aria-colspan={columns}>
        <button
          type="button"
          class="iw-expand-button"
          aria-expanded={line.is_open}
          aria-label={`Group ${label}`}
          tabIndex={tab}
        >
          <Icon name="chevron" />
        </button>
        <b class="iw-group-name">
          <bdi>{label}</bdi>
        </b>
        <span class="iw-muted">{formatPlural(line.tasks, "task")}</span>
        <GroupCounts counts={line.counts} />
        <span class="iw-grow" />
        {cost === null ? null : <span>{cost}</span>}
        {seconds === null ? null : <span class="iw-muted">{seconds}</span>}
      </span>
    </div>
  );
}
