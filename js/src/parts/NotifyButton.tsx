/** Whether the browser tells when a task ends: it is asked by a click, and once. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { TaskView } from "../contract";
import { formatClock } from "../format";
import { truncate } from "./Badge";
import { Icon } from "./Icons";

type Permission = NotificationPermission | "missing";

/** What stands in the way, in words. */
const WORDS: Partial<Record<Permission, string>> = {
  denied: "The browser's settings block notifications of this page.",
  missing: "The browser notifies only on pages of https:// or localhost.",
};

export interface Notifying {
  isOn: boolean;
  /** To be told; null where nothing is in the way. */
  obstacle: Permission | null;
  turn(on: boolean): Promise<void>;
}

/** Tells of the end that this view sees: of a task that had ended before, nobody wants to hear. */
export function useNotifying(
  view: TaskView,
  wanted: boolean,
  onWanted: (wanted: boolean) => void,
): Notifying {
  const [wasRefused, setRefused] = useState(false);
  // Some browsers of phones have the name and refuse the thing.
  const [isBroken, setBroken] = useState(false);
  const wasLive = useRef(false);
  const state: Permission =
    isBroken || typeof Notification === "undefined" || globalThis.isSecureContext === false
      ? "missing"
      : Notification.permission;
  useLayoutEffect(() => {
    const hasEnded = view.is_terminal && wasLive.current;
    wasLive.current = !view.is_terminal;
    if (!hasEnded || !wanted || state !== "granted") return;
    try {
      tell(view);
    } catch {
      setBroken(true);
    }
  });

  async function turn(on: boolean): Promise<void> {
    const answer = on && state === "default" ? await Notification.requestPermission() : state;
    setRefused(on && answer !== "granted");
    if (!on || answer === "granted") onWanted(on);
  }

  const isGranted = state === "granted";
  // Who closes the browser's question has not said no, and may click again.
  const isAsking = wanted || (wasRefused && state !== "default");
  const isTold = isBroken || (isAsking && !view.is_terminal && !isGranted);
  return { isOn: wanted && isGranted, obstacle: isTold ? state : null, turn };
}

function tell({ id, alias, simulator, computation }: TaskView): void {
  const lasted = computation.seconds === null ? "" : `, ${formatClock(computation.seconds)}`;
  // Of several views one notification remains, as they name the same task.
  const notification = new Notification(truncate(`${alias}: ${simulator ?? "task"}`), {
    body: truncate(id) + lasted,
    tag: id,
  });
  notification.onclick = () => globalThis.focus();
}

const LABEL = "Notify me when it ends";

export function NotifyButton({ notifying: { isOn, turn } }: { notifying: Notifying }) {
  return (
    <button
      type="button"
      class="iw-button iw-button-plain iw-notify"
      aria-pressed={isOn}
      aria-label={LABEL}
      title={LABEL}
      onClick={() => void turn(!isOn)}
    >
      <Icon name="bell" />
    </button>
  );
}

export function NotifyNotice({ notifying: { obstacle, turn } }: { notifying: Notifying }) {
  if (obstacle === null) return null;
  return (
    <div class="iw-notify-notice" role="note">
      {WORDS[obstacle]}
      {obstacle === "default" ? (
        <button type="button" class="iw-button" onClick={() => void turn(true)}>
          Allow notifications
        </button>
      ) : null}
    </div>
  );
}
