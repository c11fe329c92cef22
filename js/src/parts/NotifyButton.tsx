/** Browser notification when a task ends; permission is requested once, on a click. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { TaskView } from "../contract";
import { formatHms } from "../format";
import { truncate } from "./Badge";
import { Icon } from "./Icons";

type Permission = NotificationPermission | "missing";

/** Why notifications cannot be shown. */
const MESSAGES: Partial<Record<Permission, string>> = {
  denied: "The browser's settings block notifications of this page.",
  missing: "The browser notifies only on pages of https:// or localhost.",
};

export interface NotifyState {
  isOn: boolean;
  /** What prevents notifications, or null. */
  obstacle: Permission | null;
  turn(on: boolean): Promise<void>;
}

/** Notifies if the task ends while this view is mounted. */
export function useNotify(
  view: TaskView,
  isEnabled: boolean,
  onChange: (isEnabled: boolean) => void,
): NotifyState {
  const [wasRefused, setRefused] = useState(false);
  // Most mobile browsers have the class, but its constructor throws:
  // https://developer.mozilla.org/en-US/docs/Web/API/Notification/Notification
  const [isBroken, setBroken] = useState(false);
  const wasLive = useRef(false);
  const state: Permission =
    isBroken || typeof Notification === "undefined" || globalThis.isSecureContext === false
      ? "missing"
      : Notification.permission;
  useLayoutEffect(() => {
    const hasEnded = view.is_terminal && wasLive.current;
    wasLive.current = !view.is_terminal;
    if (!hasEnded || !isEnabled || state !== "granted") return;
    try {
      showNotification(view);
    } catch {
      setBroken(true);
    }
  });

  async function turn(on: boolean): Promise<void> {
    const answer = on && state === "default" ? await Notification.requestPermission() : state;
    setRefused(on && answer !== "granted");
    if (!on || answer === "granted") onChange(on);
  }

  const isGranted = state === "granted";
  // Closing the browser's permission dialog is no refusal: the next click asks again.
  const isAsking = isEnabled || (wasRefused && state !== "default");
  const hasObstacle = isBroken || (isAsking && !view.is_terminal && !isGranted);
  return { isOn: isEnabled && isGranted, obstacle: hasObstacle ? state : null, turn };
}

function showNotification({ id, alias, simulator, computation }: TaskView): void {
  const lasted = computation.seconds === null ? "" : `, ${formatHms(computation.seconds)}`;
  // Of several views one notification remains, as they name the same task.
  const notification = new Notification(truncate(`${alias}: ${simulator ?? "task"}`), {
    body: truncate(id) + lasted,
    tag: id,
  });
  notification.onclick = () => globalThis.focus();
}

const LABEL = "Notify me when it ends";

export function NotifyButton({ notifying: { isOn, turn } }: { notifying: NotifyState }) {
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

export function NotifyNotice({ notifying: { obstacle, turn } }: { notifying: NotifyState }) {
  if (obstacle === null) return null;
  return (
    <div class="iw-notify-notice" role="note">
      {MESSAGES[obstacle]}
      {obstacle === "default" ? (
        <button type="button" class="iw-button" onClick={() => void turn(true)}>
          Allow notifications
        </button>
      ) : null}
    </div>
  );
}
