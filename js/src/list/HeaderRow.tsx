/** The header row of the table: sort, filter, select all. */
import type { ComponentChildren } from "preact";
import { COLUMNS, isNumber } from "../columns";
import type { ColumnKey, QueryView, SortView } from "../contract";
import { classOf } from "../parts/Cell";
import { Icon } from "../parts/Icons";
import type { Ask } from "./useQuery";

interface Props {
  columns: readonly ColumnKey[];
  query: QueryView;
  ask: Ask;
  /** Null where some are chosen. */
  isAllChosen: boolean | null;
  onChooseAll: (on: boolean) => void;
  onFilter: (key: ColumnKey, anchor: HTMLElement) => void;
  axis?: ComponentChildren;
}

export function HeaderRow({
  columns,
  query,
  ask,
  isAllChosen,
  onChooseAll,
  onFilter,
  axis,
}: Props) {
  return (
    <div role="row" class="iw-row iw-row-head" aria-rowindex={1}>
      <span role="columnheader" class="iw-cell iw-ticks">
        <label class="iw-tick">
          <input
            type="checkbox"
            aria-label="Select all tasks"
            checked={isAllChosen === true}
            ref={(node) => {
              if (node) node.indeterminate = isAllChosen === null;
            }}
            onClick={() => onChooseAll(isAllChosen !== true)}
          />
        </label>
      </span>
      {columns.map((key) => {
        const { title, kind, isUnsorted } = COLUMNS[key];
        if (isUnsorted) {
          return (
            <span role="columnheader" key={key} class={classOf(key)}>
              {title}
            </span>
          );
        }
        const descending = query.sort?.key === key ? query.sort.descending : null;
        return (
          <span
            role="columnheader"
            key={key}
            class={classOf(key)}
            aria-sort={descending === null ? "none" : descending ? "descending" : "ascending"}
          >
            <button
              type="button"
              class="iw-sort"
              title={`Sort by ${title.toLowerCase()}`}
              onClick={() => ask({ sort: nextSort(query.sort, key) })}
            >
              {title}
              {descending === null ? null : <Icon name={descending ? "down" : "up"} />}
            </button>
            {kind === "text" || kind === "picture" ? null : (
              <button
                type="button"
                class="iw-filter"
                aria-label={`Filter ${title}`}
                aria-haspopup="dialog"
                aria-pressed={key in query.filters}
                onClick={(event) => onFilter(key, event.currentTarget)}
              >
                <Icon name="filter" />
              </button>
            )}
          </span>
        );
      })}
      {axis ?? (
        <span role="columnheader" class="iw-cell">
          <span class="iw-visually-hidden">Actions</span>
        </span>
      )}
    </div>
  );
}

/** The order after a click on a head: numbers and times begin with the largest, the third click
 * gives the order of the list back. */
function nextSort(sort: SortView | null, key: ColumnKey): SortView | null {
  const first = isNumber(key) || COLUMNS[key].kind === "time";
  if (sort?.key !== key) return { key, descending: first };
  return sort.descending === first ? { key, descending: !first } : null;
}
