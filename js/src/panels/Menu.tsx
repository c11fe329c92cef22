/** The menu that a table header opens: a column filter or the column selection. */
import type { Bridge } from "../bridge";
import { COLUMNS } from "../columns";
import type { ColumnKey, QueryView } from "../contract";
import type { Ask } from "../list/useQuery";
import { ColumnsMenu } from "./ColumnsMenu";
import { FilterMenu } from "./FilterMenu";
import { Popover } from "./Popover";

interface Props {
  bridge: Bridge;
  /** Null: which columns there are. */
  column: ColumnKey | null;
  columns: readonly ColumnKey[];
  query: QueryView;
  ask: Ask;
  anchor: HTMLElement;
  onClose: () => void;
}

export function Menu({ bridge, column, columns, query, ask, anchor, onClose }: Props) {
  if (column === null) {
    return (
      <Popover anchor={anchor} label="Columns" onClose={onClose}>
        <ColumnsMenu
          columns={columns}
          onChange={(keys) => bridge.set("columns", keys)}
          onReset={() => bridge.set("column_widths", {})}
        />
      </Popover>
    );
  }
  const { [column]: filter, ...others } = query.filters;
  return (
    <Popover
      key={column}
      anchor={anchor}
      label={`Filter ${COLUMNS[column].title}`}
      onClose={onClose}
    >
      <FilterMenu
        bridge={bridge}
        column={column}
        filter={filter ?? null}
        onChange={(next) =>
          ask({ filters: next === null ? others : { ...others, [column]: next } })
        }
      />
    </Popover>
  );
}
