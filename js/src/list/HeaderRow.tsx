/** The header row of the table: sort, filter, select all. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
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
  /** A width in pixels, null for the usual one; called while the edge is dragged, and at the end. */
  onResize: (key: ColumnKey, width: number | null, isDone: boolean) => void;
  axis?: ComponentChildren;
}

export function HeaderRow({
  columns,
  query,
  ask,
  isAllChosen,
  onChooseAll,
  onFilter,
  onResize,
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
              {axis ? null : <Edge column={key} onResize={onResize} />}
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
            {axis ? null : <Edge column={key} onResize={onResize} />}
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

/** Narrower columns could not be dragged any more. */
const MIN_WIDTH = 40;

/** The right edge of a header: dragged, it changes the width of the column; a double click resets it. */
function Edge({ column, onResize }: { column: ColumnKey } & Pick<Props, "onResize">) {
  const start = useRef<{ x: number; width: number } | null>(null);
  const widthAt = (x: number) => {
    const { x: from, width } = start.current as { x: number; width: number };
    return Math.max(MIN_WIDTH, Math.round(width + x - from));
  };
  function end(event: PointerEvent) {
    if (start.current === null) return;
    const width = widthAt(event.clientX);
    const hasMoved = event.clientX !== start.current.x;
    start.current = null;
    if (hasMoved) onResize(column, width, true);
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: cells tell what is cut off in a tooltip too
    <span
      class="iw-column-edge"
      title="Drag to change the width, double-click to reset it"
      onPointerDown={(event) => {
        const cell = event.currentTarget.parentElement;
        if (cell === null) return;
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { x: event.clientX, width: cell.getBoundingClientRect().width };
      }}
      onPointerMove={(event) => {
        if (start.current !== null) onResize(column, widthAt(event.clientX), false);
      }}
      onPointerUp={end}
      onPointerCancel={end}
      onDblClick={() => onResize(column, null, true)}
    />
  );
}

/** The order after a click on a head: numbers and times begin with the largest, the third click
 * gives the order of the list back. */
function nextSort(sort: SortView | null, key: ColumnKey): SortView | null {
  const first = isNumber(key) || COLUMNS[key].kind === "time";
  if (sort?.key !== key) return { key, descending: first };
  return sort.descending === first ? { key, descending: !first } : null;
}
