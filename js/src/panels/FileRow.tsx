/** A row of a file tree: a folder with its totals, or a file. */
import { formatPlural } from "../format";
import { truncate } from "../parts/Badge";
import { Icon } from "../parts/Icons";
import type { Columns } from "./OutputsGrid";
import type { Sum } from "./prefix_sums";
import type { Line, SortKey } from "./tree";
import { visibleName } from "./visible_name";

/** Deeper lines are indented no further. */
const MAX_INDENT = 10;

interface Props {
  id: string;
  line: Line;
  /** The whole path. */
  path: string;
  /** The part of the path that is shown. */
  name: string;
  sum: Sum;
  columns: Columns;
  formatCell(key: SortKey, sum: Sum): string;
  /** Number of its chosen files; null if files cannot be chosen. */
  chosen: number | null;
  row: number;
  isTree: boolean;
  isOpen: boolean;
  isActive: boolean;
  isPreviewed: boolean;
  isGrowing: boolean;
  onToggle(isRange: boolean): void;
  onEnter(): void;
}

export function FileRow(props: Props) {
  const {
    onToggle,
    onEnter,
    line,
    path,
    name,
    sum,
    chosen,
    isTree,
    isActive,
    isOpen,
    isPreviewed,
  } = props;
  const said = truncate(visibleName(path));
  const isFolder = line.kind === "folder";
  const isChosen = chosen !== null && chosen > 0 && chosen === sum.files;
  const cut = isFolder ? 0 : name.lastIndexOf("/") + 1;
  const classes = [
    "iw-file",
    isChosen ? "iw-chosen" : "",
    isActive ? "iw-active" : "",
    isPreviewed ? "iw-previewed" : "",
    props.isGrowing ? "iw-growing" : "",
  ];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid hears the keys
    <div
      role="row"
      id={props.id}
      class={classes.join(" ").trim()}
      aria-rowindex={props.row}
      aria-selected={chosen === null ? undefined : isChosen}
      {...(isTree ? { "aria-level": line.depth + 1 } : {})}
      {...(isFolder ? { "aria-expanded": isOpen } : {})}
      onClick={(event) => {
        if (isFolder) onEnter();
        else onToggle(event.shiftKey);
      }}
    >
      {chosen === null ? null : (
        <span role="gridcell" class="iw-check">
          <Check
            label={`Select ${said}`}
            isChecked={isChosen}
            isMixed={chosen > 0 && !isChosen}
            onClick={(event) => {
              event.stopPropagation();
              onToggle(event.shiftKey);
            }}
          />
        </span>
      )}
      <span
        role="gridcell"
        class="iw-cell iw-file-name"
        style={{ paddingLeft: `${Math.min(line.depth, MAX_INDENT) * 16}px` }}
      >
        {isTree ? (
          <span class={isOpen ? "iw-chevron iw-open" : "iw-chevron"}>
            {isFolder ? <Icon name="chevron" /> : null}
          </span>
        ) : null}
        <button
          type="button"
          class="iw-name"
          aria-label={isFolder ? undefined : `${chosen === null ? "Show" : "Preview"} ${said}`}
          tabIndex={-1}
          title={said}
          onClick={(event) => {
            event.stopPropagation();
            if (event.shiftKey && !isFolder) onToggle(true);
            else onEnter();
          }}
        >
          <bdi>
            {cut > 0 ? (
              <span class="iw-muted">{truncate(visibleName(name.slice(0, cut)))}</span>
            ) : null}
            {truncate(visibleName(name.slice(cut)))}
          </bdi>
        </button>
        {isFolder ? <span class="iw-muted iw-sum">{formatPlural(sum.files, "file")}</span> : null}
      </span>
      {props.columns.slice(1).map(([key]) => (
        <span role="gridcell" key={key} class={key === "size" ? "iw-num" : "iw-num iw-muted"}>
          {props.formatCell(key, sum)}
        </span>
      ))}
    </div>
  );
}

interface CheckProps {
  label: string;
  isChecked: boolean;
  isMixed: boolean;
  onClick(event: MouseEvent): void;
  tabIndex?: number;
}

/** A controlled checkbox with a mixed state. */
export function Check({ label, isChecked, isMixed, onClick, tabIndex = -1 }: CheckProps) {
  return (
    <input
      type="checkbox"
      aria-label={label}
      tabIndex={tabIndex}
      checked={isChecked}
      ref={(node) => {
        if (node) node.indeterminate = isMixed;
      }}
      onClick={onClick}
    />
  );
}
