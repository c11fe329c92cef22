/** Kills a task: Kill, Confirm kill, stopping…, then the status shows the result. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./Icons";
import { type PendingRequest, WAITING_FOR_KERNEL } from "./useRequest";

interface Props {
  /** The request, owned by the component that shows its error. */
  pending: PendingRequest;
  onKill: () => Promise<unknown>;
  /** Narrow form for a line of the list. */
  isCompact?: boolean;
  /** Where the tab key stops, in a list. */
  tab?: number;
  label?: string;
  /** Question before the buttons, if their labels are not enough. */
  question?: string;
}

/** The confirmation is withdrawn after this time. */
export const CONFIRM_TIMEOUT_MS = 5_000;

export function KillButton({ pending, onKill, isCompact = false, ...rest }: Props) {
  const { tab = 0, label = "Kill", question = "" } = rest;
  const [step, setStep] = useState<"idle" | "asks" | "accepted">("idle");
  const confirm = useRef<HTMLButtonElement>(null);
  const kill = useRef<HTMLButtonElement>(null);
  const wasAsked = useRef(false);

  useLayoutEffect(() => {
    if (step === "asks") {
      wasAsked.current = true;
      confirm.current?.focus();
      const timer = setTimeout(() => setStep("idle"), CONFIRM_TIMEOUT_MS);
      return () => clearTimeout(timer);
    }
    // Back from the question: the keyboard goes on where it was, unless it has moved elsewhere.
    if (wasAsked.current && step === "idle" && isFocusLost(kill.current)) kill.current?.focus();
    wasAsked.current = false;
    return undefined;
  }, [step]);

  async function send() {
    setStep("accepted");
    if (!(await pending.run(onKill))) setStep("idle");
  }

  if (step === "accepted" || pending.isBusy) {
    return (
      <span class="iw-kill" role="group" aria-label="Kill">
        <span
          class="iw-stopping"
          aria-live="polite"
          title={pending.isSlow ? WAITING_FOR_KERNEL : undefined}
        >
          stopping…
        </span>
      </span>
    );
  }
  if (step === "idle") {
    return (
      <span class="iw-kill">
        <button
          type="button"
          class="iw-button iw-button-danger"
          ref={kill}
          tabIndex={tab}
          onClick={() => setStep("asks")}
        >
          {label}
        </button>
      </span>
    );
  }
  return (
    <span
      class="iw-kill"
      role="group"
      aria-label="Kill"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        setStep("idle");
      }}
    >
      {question ? <b>{question}</b> : null}
      <button
        type="button"
        class="iw-button iw-button-danger iw-button-filled"
        ref={confirm}
        onClick={send}
      >
        Confirm kill
      </button>
      {/* Last, so that a double click on Kill, which stood here, ends on Keep. */}
      <button
        type="button"
        class={isCompact ? "iw-button iw-button-plain" : "iw-button"}
        aria-label="Keep running"
        title="Do not kill"
        onClick={() => setStep("idle")}
      >
        {isCompact ? <Icon name="bad" /> : "Keep running"}
      </button>
    </span>
  );
}

/** Whether the focused element went away with the question: hosts then report the body. */
function isFocusLost(node: HTMLElement | null): boolean {
  const root = node?.getRootNode() as Document | ShadowRoot | undefined;
  const active = root?.activeElement ?? null;
  return active === null || active === node?.ownerDocument.body;
}
