/** Task counts by status group, as filter buttons. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { StatusGroupKey } from "../contract";
import { formatCount } from "../format";
import { Icon, statusGroupOf } from "./Icons";

export const STATUS_GROUP_TITLES = [
  ["run", "Running"],
  ["wait", "Waiting"],
  ["ok", "Success"],
  ["bad", "Failed"],
  ["off", "Stopped"],
  ["unknown", "Other"],
] as const;

/** Counts groups of a newer kernel with the unknown ones, so that the sum stays right. */
export function countsByGroup(counts: Record<string, number>): Map<StatusGroupKey, number> {
  const sums = new Map<StatusGroupKey, number>();
  for (const [group, count] of Object.entries(counts)) {
    sums.set(statusGroupOf(group), (sums.get(statusGroupOf(group)) ?? 0) + count);
  }
  return sums;
}

interface ToggleProps {
  isOn: boolean;
  onClick: () => void;
  kind?: string;
  isDisabled?: boolean;
  children: ComponentChildren;
}

export function Toggle({
  isOn,
  onClick,
  kind = "iw-button",
  isDisabled = false,
  children,
}: ToggleProps) {
  return (
    <button type="button" class={kind} aria-pressed={isOn} disabled={isDisabled} onClick={onClick}>
      {children}
    </button>
  );
}

interface ChipsProps {
  counts: Record<string, number>;
  chosen: readonly StatusGroupKey[];
  /** Undefined if the list cannot be filtered. */
  onChoose?: (groups: StatusGroupKey[]) => void;
}

/** Status groups with their counts, as toggle buttons. */
export function StatusChips({ counts, chosen, onChoose }: ChipsProps) {
  const sums = countsByGroup(counts);
  // Buttons stay once they were shown, so that no button moves under the pointer.
  const seen = useRef(new Set<StatusGroupKey>(chosen)).current;
  for (const group of sums.keys()) seen.add(group);
  const all = [...sums.values()].reduce((sum, count) => sum + count, 0);
  return (
    <span class="iw-chip-group" role="group" aria-label="Tasks by status">
      <Toggle
        kind="iw-chip"
        isDisabled={onChoose === undefined}
        isOn={chosen.length === 0}
        onClick={() => onChoose?.([])}
      >
        All {formatCount(all)}
      </Toggle>
      {STATUS_GROUP_TITLES.map(([group, title]) =>
        !seen.has(group) ? null : (
          <Toggle
            key={group}
            kind={`iw-chip iw-status-${group}`}
            isDisabled={onChoose === undefined}
            isOn={chosen.includes(group)}
            onClick={() =>
              onChoose?.(
                chosen.includes(group)
                  ? chosen.filter((other) => other !== group)
                  : [...chosen, group],
              )
            }
          >
            <Icon name={group} />
            <span>
              {title} {formatCount(sums.get(group) ?? 0)}
            </span>
          </Toggle>
        ),
      )}
    </span>
  );
}
