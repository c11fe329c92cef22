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

/** Tones of a newer kernel are counted with the unknown ones, so that the sum stays right. */
export function countsByGroup(counts: Record<string, number>): Map<StatusGroupKey, number> {
  const sums = new Map<StatusGroupKey, number>();
  for (const [tone, count] of Object.entries(counts)) {
    sums.set(statusGroupOf(tone), (sums.get(statusGroupOf(tone)) ?? 0) + count);
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
  tones: readonly StatusGroupKey[];
  /** Undefined if the list cannot be filtered. */
  onChoose?: (tones: StatusGroupKey[]) => void;
}

/** Status groups with their counts, as toggle buttons. */
export function StatusChips({ counts, tones, onChoose }: ChipsProps) {
  const sums = countsByGroup(counts);
  // Buttons stay once they were shown, so that no button moves under the pointer.
  const seen = useRef(new Set<StatusGroupKey>(tones)).current;
  for (const tone of sums.keys()) seen.add(tone);
  const all = [...sums.values()].reduce((sum, count) => sum + count, 0);
  return (
    <span class="iw-chip-group" role="group" aria-label="Tasks by status">
      <Toggle
        kind="iw-chip"
        isDisabled={onChoose === undefined}
        isOn={tones.length === 0}
        onClick={() => onChoose?.([])}
      >
        All {formatCount(all)}
      </Toggle>
      {STATUS_GROUP_TITLES.map(([tone, title]) =>
        !seen.has(tone) ? null : (
          <Toggle
            key={tone}
            kind={`iw-chip iw-status-${tone}`}
            isDisabled={onChoose === undefined}
            isOn={tones.includes(tone)}
            onClick={() =>
              onChoose?.(
                tones.includes(tone) ? tones.filter((other) => other !== tone) : [...tones, tone],
              )
            }
          >
            <Icon name={tone} />
            <span>
              {title} {formatCount(sums.get(tone) ?? 0)}
            </span>
          </Toggle>
        ),
      )}
    </span>
  );
}
