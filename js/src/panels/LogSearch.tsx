/** Search in a log: Enter goes on, Shift+Enter back, Escape clears. */
import { formatCount } from "../format";
import { Icon } from "../parts/Icons";
import { MOST_MATCHES } from "./logtext";

interface Props {
  wanted: string;
  /** How many matches there are, and which is gone to. */
  count: number;
  chosen: number;
  onWanted: (wanted: string) => void;
  onStep: (step: 1 | -1) => void;
}

export function LogSearch({ wanted, count, chosen, onWanted, onStep }: Props) {
  const said = count === 0 ? "no match" : `${formatCount(chosen + 1)} of ${formatCount(count)}`;
  return (
    <span class="iw-log-search" role="search">
      <input
        type="search"
        class="iw-search"
        aria-label="Search the log"
        placeholder="Search"
        value={wanted}
        onInput={(event) => onWanted(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") onStep(event.shiftKey ? -1 : 1);
          else if (event.key === "Escape" && wanted !== "") {
            event.stopPropagation();
            onWanted("");
          }
        }}
      />
      {wanted === "" ? null : (
        <>
          <span class="iw-num iw-muted" aria-live="polite">
            {count >= MOST_MATCHES ? `${said}+` : said}
          </span>
          {([-1, 1] as const).map((step) => (
            <button
              key={step}
              type="button"
              class="iw-button iw-button-plain"
              aria-label={step === 1 ? "Next match" : "Previous match"}
              title={step === 1 ? "Next match (Enter)" : "Previous match (Shift+Enter)"}
              disabled={count === 0}
              onClick={() => onStep(step)}
            >
              <Icon name={step === 1 ? "down" : "up"} />
            </button>
          ))}
        </>
      )}
    </span>
  );
}
