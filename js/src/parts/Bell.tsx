/** Whether the browser tells when a task ends: asked for by a click, and once. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { errorView } from "../bridge";
import type { TaskView } from "../contract";
import { formatClock } from "../format";
import { clip } from "./Badge";
import { Icon } from "./Icons";

const BLOCKED =
  "The browser blocks notifications of this page. Allow them in its settings for this site.";
const MISSING =
  "No notifications here: the browser gives them to pages of https:// or localhost only.";

export interface Notifying {
  isOn: boolean;
  /** Why there can be none, or what went wrong; empty where all is well. */
  problem: string;
  /** Wanted, as Python may say, while the browser was not asked yet. */
  isUnasked: boolean;
  turn(on: boolean): Promise<void>;
}

const permission = (): NotificationPermission | null =>
  typeof Notification === "undefined" || globalThis.isSecureContext === false
    ? null
    : Notification.permission;

/** Tells of the end that this view sees: of a task that had ended before, nobody wants to hear. */
export function useNotifying(
  view: TaskView,
  wanted: boolean,
  onWanted: (wanted: boolean) => void,
): Notifying {
  const [problem, setProblem] = useState("");
  const [, setAsked] = useState(0);
  const wasLive = useRef(false);
  useLayoutEffect(() => {
    const hasEnded = view.is_terminal && wasLive.current;
    wasLive.current = !view.is_terminal;
    if (!hasEnded || !wanted || permission() !== "granted") return;
    try {
      tell(view);
    } catch (thrown) {
      // Some browsers of phones have the name and refuse the thing.
      setProblem(errorView(thrown).detail);
    }
  });

  async function turn(on: boolean): Promise<void> {
    setProblem("");
    if (!on || permission() === "granted") return onWanted(on);
    const answer = permission() === null ? null : await Notification.requestPermission();
    setAsked((n) => n + 1);
    if (answer === "granted") onWanted(true);
    else setProblem(answer === null ? MISSING : answer === "denied" ? BLOCKED : "");
  }

  const now = permission();
  const isStuck = wanted && !view.is_terminal && problem === "";
  return {
    isOn: wanted && now === "granted",
    problem: isStuck && now === null ? MISSING : isStuck && now === "denied" ? BLOCKED : problem,
    isUnasked: isStuck && now === "default",
    turn,
  };
}

function tell({ id, alias, simulator, computation }: TaskView): void {
  const title = simulator === null ? alias : `${alias}: ${simulator}`;
  const lasted = computation.seconds === null ? "" : `\nComputed ${formatClock(computation.seconds)}`;
  // Of several views one notification remains, as they name the same task.
  const notification = new Notification(clip(title), { body: `${clip(id)}${lasted}`, tag: id });
  notification.onclick = () => {
    globalThis.focus();
    notification.close();
  };
}

export function Bell({ notifying: { isOn, turn } }: { notifying: Notifying }) {
  return (
    <button
      type="button"
      class="iw-button iw-quiet iw-bell"
      aria-pressed={isOn}
      aria-label="Notify me when it ends"
      title="Notify me when it ends"
      onClick={() => void turn(!isOn)}
    >
      <Icon name="bell" />
    </button>
  );
}

/** What stands in the way of it, in words. */
export function BellLine({ notifying: { problem, isUnasked, turn } }: { notifying: Notifying }) {
  if (problem === "" && !isUnasked) return null;
  return (
    <div class="iw-bell-line" role="note">
      <span class="iw-text">{isUnasked ? "To be told when it ends:" : problem}</span>
      {isUnasked ? (
        <button type="button" class="iw-button" onClick={() => void turn(true)}>
          <Icon name="bell" /> Allow notifications
        </button>
      ) : null}
    </div>
  );
}
