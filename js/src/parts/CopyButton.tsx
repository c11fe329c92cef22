/** Copies a text, or selects it if the page may not write to the clipboard. */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./Icons";

interface Props {
  text: string;
  label: string;
  /** The element that shows the text, to be selected where copying is not allowed. */
  source?: RefObject<HTMLElement | null>;
}

type Outcome = "idle" | "copied" | "selected";

const RESULT_MS = 2_000;
const WORDS: Record<Outcome, string> = {
  idle: "",
  copied: "Copied",
  selected: "Selected: press Ctrl+C",
};

export function CopyButton({ text, label, source }: Props) {
  const [outcome, setOutcome] = useState<Outcome>("idle");
  const isMounted = useRef(true);
  useLayoutEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);
  useLayoutEffect(() => {
    if (outcome === "idle") return undefined;
    const timer = setTimeout(() => setOutcome("idle"), RESULT_MS);
    return () => clearTimeout(timer);
  }, [outcome]);

  async function copy() {
    let result: Outcome = "copied";
    try {
      // Not there on plain http, and refused in some embedded frames.
      await navigator.clipboard.writeText(text);
    } catch {
      const node = source?.current;
      if (node) getSelection()?.selectAllChildren(node);
      result = node ? "selected" : "idle";
    }
    if (isMounted.current) setOutcome(result);
  }

  return (
    <span class="iw-copy">
      <button
        type="button"
        class="iw-button iw-button-plain"
        aria-label={label}
        title={label}
        onClick={copy}
      >
        <Icon name={outcome === "copied" ? "ok" : "copy"} />
      </button>
      <span class="iw-copy-result" aria-live="polite">
        {WORDS[outcome]}
      </span>
    </span>
  );
}
