/** The filter menu of a column: values or a range. */
import { useLayoutEffect, useState } from "preact/hooks";
import type { Bridge } from "../bridge";
import { COLUMNS } from "../columns";
import type { ColumnKey, FacetView, FilterView } from "../contract";
import { formatCount, formatPlural } from "../format";
import { truncate } from "../parts/Badge";
import { ErrorBox } from "../parts/ErrorBox";
import { statusGroupOf } from "../parts/Icons";
import { STATUS_GROUP_TITLES } from "../parts/StatusFilter";
import { useRequest, WAITING_FOR_KERNEL } from "../parts/useRequest";
import { describeBound, formatBound, parseBound, UNKNOWN_LABEL, unitOf } from "./filters";

interface Props {
  bridge: Bridge;
  column: ColumnKey;
  filter: FilterView | null;
  onChange: (filter: FilterView | null) => void;
}

export function FilterMenu({ bridge, column, filter, onChange }: Props) {
  const [facet, setFacet] = useState<FacetView | null>(null);
  const loading = useRequest();
  const load = () =>
    loading.run(async () => setFacet(await bridge.request("facet", { key: column })));
  // biome-ignore lint/correctness/useExhaustiveDependencies: once per opening
  useLayoutEffect(() => {
    void load();
  }, []);
  return (
    <>
      {loading.error !== null ? (
        <ErrorBox error={loading.error} onDismiss={load} dismissLabel="Try again" />
      ) : facet === null ? (
        <div class="iw-empty" role="note">
          {loading.isSlow ? WAITING_FOR_KERNEL : "Counting…"}
        </div>
      ) : COLUMNS[column].kind === "category" ? (
        <ValueOptions facet={facet} filter={filter} onChange={onChange} />
      ) : (
        <RangeInputs column={column} facet={facet} filter={filter} onChange={onChange} />
      )}
      <div class="iw-popover-foot">
        <button
          type="button"
          class="iw-button"
          disabled={filter === null}
          onClick={() => onChange(null)}
        >
          Clear
        </button>
      </div>
    </>
  );
}

type Value = FacetView["values"][number] & { title?: string };

/** Groups statuses below the name and the count of their chip. */
function grouped(values: Value[]): Value[] {
  const rest = values.filter((one) => one.status_group === undefined);
  const groups = STATUS_GROUP_TITLES.flatMap(([group, title]) => {
    const own = values.filter(
      (one) => one.status_group !== undefined && statusGroupOf(one.status_group) === group,
    );
    const count = own.reduce((sum, one) => sum + one.count, 0);
    return own.length === 0 ? [] : [{ value: null, count, title }, ...own];
  });
  return [...groups, ...rest];
}

type Part = Omit<Props, "bridge" | "column"> & { facet: FacetView };

/** Shorter lists are seen through without a search. */
const SEARCHED_ABOVE = 8;

function ValueOptions({ facet, filter, onChange }: Part) {
  const [search, setSearch] = useState("");
  const chosen = filter !== null && "values" in filter ? filter.values : [];
  // A value that no task has any more must still be there to be left out.
  const gone = chosen.filter((value) => !facet.values.some((one) => one.value === value));
  const all = [...facet.values, ...gone.map((value) => ({ value, count: 0 }))];
  const shown = all.filter(({ value }) =>
    (value ?? UNKNOWN_LABEL).toLowerCase().includes(search.toLowerCase()),
  );

  function toggle(value: string | null) {
    const next = chosen.includes(value)
      ? chosen.filter((one) => one !== value)
      : [...chosen, value];
    onChange(next.length === 0 ? null : { values: next });
  }

  return (
    <>
      {all.length > SEARCHED_ABOVE ? (
        <input
          type="search"
          class="iw-search"
          aria-label="Search values"
          placeholder="Search values"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      ) : null}
      <ul class="iw-options">
        {grouped(shown).map(({ value, count, title }) =>
          title !== undefined ? (
            <li key={title} class="iw-options-title iw-muted">
              {title} {formatCount(count)}
            </li>
          ) : (
            <li key={value ?? "\0"} class="iw-option" title={truncate(value ?? UNKNOWN_LABEL)}>
              <label>
                <input
                  type="checkbox"
                  checked={chosen.includes(value)}
                  onChange={() => toggle(value)}
                />
                <span class={value === null ? "iw-option-name iw-muted" : "iw-option-name"}>
                  <bdi>{truncate(value ?? UNKNOWN_LABEL) || "(empty)"}</bdi>
                </span>
                <span class="iw-num iw-muted">{formatCount(count)}</span>
              </label>
            </li>
          ),
        )}
      </ul>
      {shown.length === 0 ? <div class="iw-empty">No such value.</div> : null}
      {facet.more > 0 ? (
        <div class="iw-note">and {formatPlural(facet.more, "rarer value")}</div>
      ) : null}
    </>
  );
}

function RangeInputs({ column, facet, filter, onChange }: Part & { column: ColumnKey }) {
  const range = filter !== null && "min" in filter ? filter : { min: null, max: null };
  const { name } = unitOf(column);
  const isTime = COLUMNS[column].kind === "time";
  const set = (part: Partial<typeof range>) => {
    const next = { ...range, ...part };
    onChange(next.min === null && next.max === null ? null : next);
  };
  return (
    <div class="iw-bounds">
      {(["min", "max"] as const).map((end) => (
        <label key={end}>
          <span>
            {isTime ? (end === "min" ? "From" : "Until") : end === "min" ? "At least" : "At most"}
            {name ? `, ${name}` : ""}
          </span>
          <input
            type={isTime ? "datetime-local" : "number"}
            class="iw-search"
            step="any"
            value={formatBound(column, range[end])}
            placeholder={isTime ? "" : formatBound(column, facet[end])}
            // When the field is left or Enter is pressed, not with each digit.
            onChange={(event) => set({ [end]: parseBound(column, event.currentTarget.value) })}
          />
        </label>
      ))}
      {facet.min === null || facet.max === null ? null : (
        <div class="iw-muted">
          There is {describeBound(column, facet.min)} to {describeBound(column, facet.max)}.
        </div>
      )}
    </div>
  );
}
