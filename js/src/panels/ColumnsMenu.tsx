/** The menu that selects and orders the columns. */
import { useState } from "preact/hooks";
import { COLUMNS, DEFAULT_COLUMNS, knownColumns } from "../columns";
import type { ColumnKey } from "../contract";
import { Icon } from "../parts/Icons";

interface Props {
  columns: readonly ColumnKey[];
  onChange: (columns: ColumnKey[]) => void;
  /** The widths are to be the usual ones again. */
  onReset: () => void;
}

export function ColumnsMenu({ columns, onChange, onReset }: Props) {
  const shown = knownColumns(columns);
  const rest = (Object.keys(COLUMNS) as ColumnKey[]).filter((key) => !shown.includes(key));
  // A column that is left out stays where it was as long as the menu is open.
  const [order, setOrder] = useState<ColumnKey[]>([...shown, ...rest]);

  function set(next: ColumnKey[], chosen: readonly ColumnKey[]) {
    setOrder(next);
    onChange(next.filter((key) => chosen.includes(key)));
  }
  function move(index: number, by: number) {
    const next = [...order];
    next.splice(index + by, 0, ...next.splice(index, 1));
    set(next, shown);
  }

  return (
    <>
      <ul class="iw-options">
        {order.map((key, index) => {
          const { title } = COLUMNS[key];
          const isShown = shown.includes(key);
          return (
            <li key={key} class="iw-option">
              <label>
                <input
                  type="checkbox"
                  checked={isShown}
                  disabled={isShown && shown.length === 1}
                  onChange={() =>
                    set(order, isShown ? shown.filter((one) => one !== key) : [...shown, key])
                  }
                />
                <span class="iw-option-name">{title}</span>
              </label>
              <Move
                label={`Move ${title} up`}
                isEnd={index === 0}
                onMove={() => move(index, -1)}
                icon="up"
              />
              <Move
                label={`Move ${title} down`}
                isEnd={index === order.length - 1}
                onMove={() => move(index, 1)}
                icon="down"
              />
            </li>
          );
        })}
      </ul>
      <div class="iw-popover-foot">
        <button
          type="button"
          class="iw-button"
          onClick={() => {
            set(
              [...DEFAULT_COLUMNS, ...order.filter((key) => !DEFAULT_COLUMNS.includes(key))],
              DEFAULT_COLUMNS,
            );
            onReset();
          }}
        >
          Reset
        </button>
      </div>
    </>
  );
}

interface MoveProps {
  label: string;
  isEnd: boolean;
  onMove: () => void;
  icon: "up" | "down";
}

function Move({ label, isEnd, onMove, icon }: MoveProps) {
  return (
    <button
      type="button"
      class="iw-button iw-button-plain"
      aria-label={label}
      title={label}
      disabled={isEnd}
      onClick={onMove}
    >
      <Icon name={icon} />
    </button>
  );
}
