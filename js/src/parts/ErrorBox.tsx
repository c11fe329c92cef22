/** An error message with a report that can be copied. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { ErrorView } from "../contract";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icons";

interface Props {
  error: ErrorView;
  onDismiss?: (() => void) | undefined;
  dismissLabel?: string;
  /** What may be done about it. */
  children?: ComponentChildren;
}

export function ErrorBox({ error, onDismiss, dismissLabel = "Dismiss", children }: Props) {
  const source = useRef<HTMLDivElement>(null);
  return (
    <div class="iw-error" role="alert">
      <Icon name="alert" />
      <div class="iw-error-body" ref={source}>
        <b class="iw-text">{error.title}</b>
        {error.detail ? <div class="iw-error-detail iw-text">{error.detail}</div> : null}
      </div>
      <div class="iw-error-actions">
        {children}
        {error.report ? (
          <CopyButton text={error.report} label="Copy report" source={source} />
        ) : null}
        {onDismiss ? (
          <button
            type="button"
            class="iw-button iw-button-plain"
            aria-label={dismissLabel}
            title={dismissLabel}
            onClick={onDismiss}
          >
            <Icon name="bad" />
          </button>
        ) : null}
      </div>
    </div>
  );
}
