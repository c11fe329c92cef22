/** The rows of a file tree, with virtual scrolling and keyboard navigation. */
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../parts/Icons";
import { useVisibleRange } from "../virtual_scroll";
import { Check, FileRow } from "./FileRow";
import { between, type Sum, type Sums } from "./prefix_sums";
import { type Folder, type Line, nameOf, type Sort, type SortKey, spanOf, type Tree } from "./tree";

const ROW_HEIGHT = 28;
/** Shorter listings are drawn whole, so that the page's own search finds their names. */
const WINDOWED_ABOVE = 200;

export type Columns = readonly (readonly [SortKey, string])[];

interface Props {
  label: string;
  /** The first one is the name. */
  columns: Columns;
  /** Text of a cell in the further columns. */
  formatCell(key: SortKey, sum: Sum): string;
  tree: Tree;
  lines: readonly Line[];
  isTree: boolean;
  sort: Sort;
  onSort(key: SortKey): void;
  sums: Sums;
  /** Prefix sums of the chosen files; undefined if files cannot be chosen. */
  counts?: Float64Array;
  /** The file in the preview. */
  previewed?: number | null;
  /** Identifies a file across changes of the tree, unlike its index. */
  idOf?(index: number): string;
  isGrowing?(index: number): boolean;
  isOpen(folder: Folder): boolean;
  onFold(folder: Folder, isOpen: boolean): void;
  onChoose?(lines: readonly Line[], on: boolean): void;
  onPreview(index: number): void;
}

export function OutputsGrid(props: Props) {
  const { tree, lines, columns, isTree, sort, sums, counts, isOpen, onFold, onPreview } = props;
  const { previewed = null, onChoose = () => {} } = props;
  // A stable key per row: paths of folders end with a slash.
  const keyOf = (line: Line): string | number =>
    line.kind === "folder" ? line.path : (props.idOf?.(line.index) ?? line.index);
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [activeKey, setActive] = useState<string | number | null>(null);
  const anchor = useRef<string | number | null>(null);
  const range = useVisibleRange(scroller, lines.length, ROW_HEIGHT);
  const { start, stop } = lines.length > WINDOWED_ABOVE ? range : { start: 0, stop: lines.length };
  const isActive = (line: Line) => keyOf(line) === activeKey;
  const shown = lines.slice(start, stop);
  const active = shown.findIndex(isActive);
  const all = sums.of(tree.root).files;
  const chosenOf = (line: Line) => (counts === undefined ? null : between(counts, spanOf(line)));
  const isWhole = (line: Line) => chosenOf(line) === sums.of(spanOf(line)).files;

  function goTo(index: number): void {
    const line = lines[Math.max(0, Math.min(lines.length - 1, index))];
    const node = scroller.current;
    if (line === undefined || node === null) return;
    setActive(keyOf(line));
    // The head lies over the first line of what is in sight.
    const top = lines.indexOf(line) * ROW_HEIGHT;
    const height = node.clientHeight - 2 * ROW_HEIGHT;
    if (top < node.scrollTop) node.scrollTop = top;
    else if (top > node.scrollTop + height) node.scrollTop = top - height;
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: the list may be scrolled away later
  useLayoutEffect(() => {
    const at = lines.findIndex((line) => line.kind === "file" && line.index === previewed);
    if (at !== -1) goTo(at);
  }, [previewed]);

  /** Chooses a line, or all lines from the last one on, to what this one becomes. */
  function toggle(line: Line, isRange: boolean): void {
    const on = !isWhole(line);
    const from = isRange ? lines.findIndex((one) => keyOf(one) === anchor.current) : -1;
    const to = lines.indexOf(line);
    const passed = from === -1 ? [] : lines.slice(Math.min(from, to), Math.max(from, to) + 1);
    // An open folder among them would bring files that lie beyond.
    onChoose([...passed.filter((one) => one.kind === "file" || !isOpen(one)), line], on);
    anchor.current = keyOf(line);
    setActive(keyOf(line));
    scroller.current?.focus({ preventScroll: true });
  }

  function enter(line: Line): void {
    if (line.kind === "folder") onFold(line, !isOpen(line));
    else onPreview(line.index);
    setActive(keyOf(line));
    scroller.current?.focus({ preventScroll: true });
  }

  function press(event: KeyboardEvent): void {
    if (event.target !== event.currentTarget || event.altKey) return;
    const at = lines.findIndex(isActive);
    const line = lines[at];
    const folder = line?.kind === "folder" ? line : null;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 2);
    const steps: Record<string, () => void> = {
      ArrowDown: () => walk(at + 1),
      ArrowUp: () => walk(at - 1),
      PageDown: () => goTo(at + page),
      PageUp: () => goTo(at - page),
      Home: () => goTo(0),
      End: () => goTo(lines.length - 1),
      ArrowRight: () => {
        if (folder !== null && !isOpen(folder)) onFold(folder, true);
        else if (folder !== null) goTo(at + 1);
      },
      ArrowLeft: () => {
        if (folder !== null && isOpen(folder)) onFold(folder, false);
        else if (line?.parent && isTree) goTo(lines.indexOf(line.parent));
      },
      " ": () => line && counts && toggle(line, event.shiftKey),
      Enter: () => line && enter(line),
    };
    const walk = (to: number) => {
      goTo(to);
      const next = lines[to];
      if (event.shiftKey && next) onChoose(line ? [line, next] : [next], true);
    };
    const isAll = event.key === "a" && (event.ctrlKey || event.metaKey);
    const step = isAll ? () => onChoose([tree.root], true) : steps[event.key];
    if (step === undefined || ((event.ctrlKey || event.metaKey) && !isAll)) return;
    event.preventDefault();
    event.stopPropagation();
    step();
  }

  const chosen = counts === undefined ? 0 : between(counts, tree.root);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: its role is one of two
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: both of which have a name
    <div
      class="iw-scroller iw-files"
      role={isTree ? "treegrid" : "grid"}
      aria-label={props.label}
      aria-multiselectable={counts === undefined ? undefined : "true"}
      aria-rowcount={lines.length + 1}
      aria-activedescendant={active === -1 ? undefined : `${id}-${start + active}`}
      tabIndex={0}
      ref={scroller}
      onKeyDown={press}
      onFocus={(event) => {
        if (event.target === event.currentTarget && lines.findIndex(isActive) === -1) goTo(0);
      }}
    >
      <div role="row" class="iw-file iw-file-head" aria-rowindex={1}>
        {counts === undefined ? null : (
          <span role="columnheader" class="iw-check">
            <Check
              label="Select all files"
              isChecked={chosen > 0 && chosen === all}
              isMixed={chosen > 0 && chosen < all}
              tabIndex={0}
              onClick={() => onChoose([tree.root], chosen < all)}
            />
          </span>
        )}
        {columns.map(([key, title]) => (
          <span
            role="columnheader"
            key={key}
            class={key === "name" ? "" : "iw-num"}
            aria-sort={sort.key !== key ? "none" : sort.isDescending ? "descending" : "ascending"}
          >
            <button type="button" class="iw-sort" onClick={() => props.onSort(key)}>
              {title}
              {sort.key === key ? <Icon name={sort.isDescending ? "down" : "up"} /> : null}
            </button>
          </span>
        ))}
      </div>
      <div role="presentation" style={{ height: `${start * ROW_HEIGHT}px` }} />
      {shown.map((line, index) => (
        <FileRow
          key={keyOf(line)}
          id={`${id}-${start + index}`}
          line={line}
          path={line.kind === "folder" ? line.path : (tree.files[line.index]?.name ?? "")}
          name={nameOf(tree, line)}
          sum={sums.of(spanOf(line))}
          columns={columns}
          formatCell={props.formatCell}
          chosen={chosenOf(line)}
          row={start + index + 2}
          isTree={isTree}
          isOpen={line.kind === "folder" && isOpen(line)}
          isActive={isActive(line)}
          isGrowing={line.kind === "file" && props.isGrowing?.(line.index) === true}
          isPreviewed={line.kind === "file" && line.index === previewed}
          onToggle={(isRange) => (counts === undefined ? enter(line) : toggle(line, isRange))}
          onEnter={() => enter(line)}
        />
      ))}
      <div role="presentation" style={{ height: `${(lines.length - stop) * ROW_HEIGHT}px` }} />
    </div>
  );
}
