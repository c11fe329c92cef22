/** Why a task did not succeed, and what to do next. */
import type { FailureView } from "../contract";

export function Failure({ failure, tone }: { failure: FailureView; tone: string }) {
  return (
    <div
      class={tone === "off" ? "iw-why iw-why-off" : "iw-why"}
      role="group"
      aria-label="Why it failed"
    >
      <b class="iw-why-title iw-text">{failure.title}</b>
      {failure.detail ? <div class="iw-why-detail iw-mono iw-text">{failure.detail}</div> : null}
      {failure.advice ? <div class="iw-why-advice iw-text">{failure.advice}</div> : null}
    </div>
  );
}
