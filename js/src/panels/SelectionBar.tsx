/** Actions on the selected tasks. */
import { useRef, useState } from "preact/hooks";
import type { Bridge } from "../bridge";
import type { SelectionView } from "../contract";
import { formatCost, formatCount, formatPlural } from "../format";
import { ErrorBox } from "../parts/ErrorBox";
import { KillButton } from "../parts/KillButton";
import { useRequest } from "../parts/useRequest";
import { Compare, type Opener } from "./Compare";

/** As in `inductiva_widgets/widgets/comparison.py`. */
const MAX_COMPARED = 20;

interface Props {
  bridge: Bridge;
  selection: SelectionView;
  isDownloading: boolean;
  /** Number of reported errors; a change resets the buttons. */
  epoch: number;
  opener: Opener;
  onClear: () => void;
}

export function SelectionBar({ bridge, selection, isDownloading, epoch, opener, onClear }: Props) {
  const { tasks, hidden, can_kill: alive, with_outputs: outputs, cost, version } = selection;
  const kill = useRequest();
  const fetch = useRequest();
  const spent = cost === null ? "" : `, ${formatCost(cost)} so far`;
  const [isComparing, setComparing] = useState(false);
  const compare = useRef<HTMLButtonElement>(null);
  const refusal =
    tasks < 2
      ? "Select two tasks or more to compare them"
      : tasks > MAX_COMPARED
        ? `Up to ${MAX_COMPARED} tasks are compared here; in Python, any number`
        : "";
  const error = kill.error ?? fetch.error;
  return (
    <>
      <span class="iw-selection-bar" role="group" aria-label="Selected tasks">
        <span aria-live="polite">
          {formatCount(tasks)} selected
          {hidden > 0 ? ` (${formatCount(hidden)} hidden by filters)` : ""}
        </span>
        {alive > 0 ? (
          <KillButton
            key={`${version} ${alive} ${epoch}`}
            pending={kill}
            label={`Kill ${formatCount(alive)}…`}
            question={`Kill ${formatPlural(alive, "task")}${spent}?`}
            onKill={() => bridge.request("kill_selected", {})}
          />
        ) : null}
        {outputs > 0 ? (
          <button
            type="button"
            class="iw-button"
            disabled={isDownloading || fetch.isBusy}
            onClick={() => void fetch.run(() => bridge.request("download_selected", {}))}
          >
            Download {formatCount(outputs)}
          </button>
        ) : null}
        <button
          type="button"
          class="iw-button"
          ref={compare}
          aria-expanded={isComparing && !refusal}
          disabled={refusal !== ""}
          title={refusal || "Show what they differ in"}
          onClick={() => setComparing(!isComparing)}
        >
          Compare
        </button>
        <button type="button" class="iw-button" onClick={onClear}>
          Clear
        </button>
      </span>
      {error === null ? null : (
        <ErrorBox
          error={error}
          onDismiss={() => {
            kill.clear();
            fetch.clear();
          }}
        />
      )}
      {isComparing && !refusal ? (
        <Compare
          bridge={bridge}
          version={version}
          opener={opener}
          onClose={() => {
            setComparing(false);
            compare.current?.focus();
          }}
        />
      ) : null}
    </>
  );
}
