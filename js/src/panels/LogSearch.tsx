/** Search in a log: Enter for the next match, Shift+Enter for the previous, Escape clears. */
import { formatCount } from "../format";
import { Icon } from "../parts/Icons";
import { MAX_MATCHES } from "./log_text";

interface Props {
  query: string;
  /** How many matches there are, and which is gone to. */
  count: number;
  chosen: number;
  onQuery: (query: string) => void;
  onStep: (step: 1 | -1) => void;
}

export function LogSearch({ query, count, chosen, onQuery, onStep }: Props) {
  const said = count === 0 ? "no match" : `${formatCount(chosen + 1)} of ${formatCount(count)}`;
  return (
    <span class="iw-log-search" role="search">
      <input
        type="search"
        class="iw-search"
        aria-label="Search the log"
        placeholder="Search"
        value={query}
        onInput={(event) => onQuery(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") onStep(event.shiftKey ? -1 : 1);
          else if (event.key === "Escape" && query !== "") {
            event.stopPropagation();
            onQuery("");
          }
        }}
      />
      {query === "" ? null : (
        <>
          <span class="iw-num iw-muted" aria-live="polite">
            {count >= MAX_MATCHES ? `${said}+` : said}
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
