/** The phases of a task as a bar, with their durations below it. */
import { type ServiceTime, useNow } from "../clock";
import type { Marks } from "../contract";
import { layPhases, type Phases, phasesOf } from "../phases";

interface Props {
  marks: Marks;
  tone: string;
  isTerminal: boolean;
  time: ServiceTime;
}

export function Timeline({ marks, tone, isTerminal, time }: Props) {
  const laid = layPhases(phasesOf(marks), useNow(time, !isTerminal), isTerminal);
  if (laid.segments.length === 0) return null;
  const failing = failingOf(laid, tone);
  return (
    <div class="iw-timeline">
      <Bar laid={laid} tone={tone} />
      <ul class="iw-legend" aria-label="Phases">
        {laid.legend.map(({ name, title, duration }) => (
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

/** The bar alone, for a line of the list. */
export function MiniTimeline({ marks, tone, isTerminal, time }: Props) {
  const laid = layPhases(phasesOf(marks), useNow(time, !isTerminal), isTerminal);
  const words = laid.legend.filter((item) => item.duration !== "");
  const label = words.map((item) => `${item.title} ${item.duration}`).join(", ");
  return (
    <span class="iw-mini" role="img" aria-label={label || "No phases yet"} title={label}>
      <Bar laid={laid} tone={tone} />
    </span>
  );
}

function Bar({ laid, tone }: { laid: Phases; tone: string }) {
  const last = laid.segments.length - 1;
  return (
    <span class="iw-bar" aria-hidden="true">
      {laid.segments.map((segment, index) => (
        <i
          // Phases are only ever added at the end, so the place is the identity.
          key={index}
          class={`iw-segment ${phaseClass(segment.name, tone === "bad" && index === last)}${
            segment.isOpen ? " iw-open" : ""
          }`}
          style={{ flexGrow: segment.share.toFixed(2) }}
        />
      ))}
      <i key="free" class="iw-segment iw-free" style={{ flexGrow: laid.free.toFixed(2) }} />
    </span>
  );
}

function failingOf(laid: Phases, tone: string): string | null {
  return tone === "bad" ? (laid.segments.at(-1)?.name ?? null) : null;
}

function phaseClass(name: string, isFailing: boolean): string {
  return isFailing ? "iw-phase-failed" : `iw-phase-${name}`;
}
