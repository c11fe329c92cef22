/** Why a task failed, its last output, and what to do next. */
import type { FailureView } from "../contract";

interface Props {
  failure: FailureView;
  group: string;
  /** Opens the log at a stream; null where there is no log. */
  onLog: ((name: string) => void) | null;
}

export function FailureBox({ failure, group, onLog }: Props) {
  const isOff = group === "off";
  const { title, detail, advice, last_words: words } = failure;
  const toLog = (name: string, label: string) =>
    onLog === null ? null : (
      <button type="button" class="iw-link" onClick={() => onLog(name)}>
        {label}
      </button>
    );
  return (
    <div
      class={isOff ? "iw-failure iw-failure-stopped" : "iw-failure"}
      role="group"
      aria-label={isOff ? "Why it ended" : "Why it failed"}
    >
      <b class="iw-failure-title iw-text">{title}</b>
      {detail ? <div class="iw-failure-detail iw-mono iw-text">{detail}</div> : null}
      {advice ? <div class="iw-failure-advice iw-text">{advice}</div> : null}
      {words.map(({ name, text }) => (
        <figure key={name} class="iw-log-tail">
          <figcaption>
            <span>
              Last lines of <b class="iw-text">{name}</b>
            </span>
            {toLog(name, "Show the whole log")}
          </figcaption>
          <pre class="iw-mono iw-text">{text}</pre>
        </figure>
      ))}
      {words.length > 0 || isOff ? null : toLog("stderr.txt", "Show the log")}
    </div>
  );
}
