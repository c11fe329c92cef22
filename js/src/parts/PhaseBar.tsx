/** The phases of a task as a bar with a legend. */
import { type ServiceTime, useNow } from "../clock";
import type { RowView } from "../contract";
import { failedPhase, layoutPhases, type Phases, phasesOf } from "../phases";

interface Props {
  row: RowView;
  time: ServiceTime;
}

export function PhaseBar({ row, time }: Props) {
  const phases = usePhases(row, time);
  if (phases.segments.length === 0) return null;
  const failing = failedPhase(phases.segments, row);
  return (
    <div class="iw-phase-bar">
      <Bar phases={phases} failing={failing} />
      <ul class="iw-legend" aria-label="Phases">
        {phases.legend.map(({ name, title, duration }) => (
          <li
            key={name}
            class={`iw-legend-item ${duration === "" ? "iw-phase-later" : phaseClass(name, name === failing)}`}
          >
            {duration === "" ? title : `${title} ${duration}`}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The bar without a legend, for a row of the list. */
export function MiniPhaseBar({ row, time }: Props) {
  const phases = usePhases(row, time);
  const words = phases.legend.filter((item) => item.duration !== "");
  const label = words.map((item) => `${item.title} ${item.duration}`).join(", ");
  return (
    <span class="iw-phase-bar-mini" role="img" aria-label={label || "No phases yet"} title={label}>
      <Bar phases={phases} failing={failedPhase(phases.segments, row)} />
    </span>
  );
}

function usePhases({ marks, is_terminal: isTerminal }: RowView, time: ServiceTime): Phases {
  return layoutPhases(phasesOf(marks), useNow(time, !isTerminal), isTerminal);
}

function Bar({ phases, failing }: { phases: Phases; failing: string | null }) {
  return (
    <span class="iw-bar" aria-hidden="true">
      {phases.segments.map((segment, index) => (
        <i
          // Phases are only ever added at the end, so the place is the identity.
          key={index}
          class={`iw-segment ${phaseClass(segment.name, segment.name === failing)}${
            segment.isOpen ? " iw-open" : ""
          }`}
          style={{ flexGrow: segment.share.toFixed(2) }}
        />
      ))}
    </span>
  );
}

function phaseClass(name: string, isFailing: boolean): string {
  return isFailing ? "iw-phase-failed" : `iw-phase-${name}`;
}
