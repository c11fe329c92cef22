/** The output files: sort, choose, download. */
import { useMemo, useRef, useState } from "preact/hooks";
import type { FileView, OutputsView } from "../contract";
import { nextSort, type Sort, type SortKey, sortFiles, summary } from "./files";
import { formatBytes } from "../format";
import { useRange } from "../window";
import { clip } from "../parts/Badge";
import { Icon } from "../parts/Icons";
import type { Pending } from "../parts/pending";

const ROW_HEIGHT = 28;
/** Shorter listings are drawn whole, so that the page's own search finds their names. */
const WINDOWED_ABOVE = 200;

const COLUMNS: readonly [SortKey, string][] = [
  ["name", "Name"],
  ["size", "Size"],
  ["compressed", "Compressed"],
];

interface Props {
  outputs: OutputsView;
  /** A download of this task is on its way. */
  isDownloading: boolean;
  pending: Pending;
  onDownload: (names: string[] | null) => Promise<unknown>;
}

export function OutputsTable({ outputs, isDownloading, pending, onDownload }: Props) {
  const { files } = outputs;
  const [sort, setSort] = useState<Sort>({ key: "name", isDescending: false });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const scroller = useRef<HTMLDivElement>(null);
  const sorted = useMemo(() => sortFiles(files, sort), [files, sort]);
  const line = useMemo(() => summary(files, chosen), [files, chosen]);
  const range = useRange(scroller, sorted.length, ROW_HEIGHT);
  const { start, stop } =
    sorted.length > WINDOWED_ABOVE ? range : { start: 0, stop: sorted.length };
  const isBlocked = isDownloading || pending.isBusy;

  function toggle(name: string) {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    setChosen(next);
  }

  return (
    <div class="iw-outputs">
      <div class="iw-scroller iw-files" ref={scroller}>
        <div role="table" aria-label="Output files" aria-rowcount={files.length + 1}>
          <div role="row" class="iw-file iw-file-head" aria-rowindex={1}>
            <span role="columnheader" class="iw-check">
              <input
                type="checkbox"
                aria-label="Select all files"
                checked={files.length > 0 && chosen.size === files.length}
                ref={(node) => {
                  if (node) node.indeterminate = chosen.size > 0 && chosen.size < files.length;
                }}
                onChange={() =>
                  setChosen(
                    new Set(chosen.size === files.length ? [] : files.map((file) => file.name)),
                  )
                }
              />
            </span>
            {COLUMNS.map(([key, title]) => (
              <span
                role="columnheader"
                key={key}
                class={key === "name" ? "" : "iw-num"}
                aria-sort={
                  sort.key !== key ? "none" : sort.isDescending ? "descending" : "ascending"
                }
              >
                <button type="button" class="iw-sort" onClick={() => setSort(nextSort(sort, key))}>
                  {title}
                  {sort.key === key ? <Icon name={sort.isDescending ? "down" : "up"} /> : null}
                </button>
              </span>
            ))}
          </div>
          <div role="presentation" style={{ height: `${start * ROW_HEIGHT}px` }} />
          {sorted.slice(start, stop).map((file, index) => (
            <Line
              key={file.name}
              file={file}
              index={start + index}
              isChosen={chosen.has(file.name)}
              onToggle={toggle}
            />
          ))}
          <div role="presentation" style={{ height: `${(sorted.length - stop) * ROW_HEIGHT}px` }} />
        </div>
        {files.length === 0 ? <div class="iw-empty">There are no output files.</div> : null}
      </div>
      <div class="iw-foot">
        <span aria-live="polite">{line}</span>
        <span class="iw-grow" />
        <span class="iw-buttons">
          <button
            type="button"
            class="iw-button"
            disabled={isBlocked || chosen.size === 0}
            onClick={() =>
              void pending.run(() =>
                onDownload(files.flatMap(({ name }) => (chosen.has(name) ? [name] : []))),
              )
            }
          >
            Download selected
          </button>
          <button
            type="button"
            class="iw-button iw-primary"
            disabled={isBlocked || files.length === 0}
            onClick={() => void pending.run(() => onDownload(null))}
          >
            Download all
          </button>
        </span>
      </div>
    </div>
  );
}

interface LineProps {
  file: FileView;
  index: number;
  isChosen: boolean;
  onToggle: (name: string) => void;
}

function Line({ file, index, isChosen, onToggle }: LineProps) {
  const shown = clip(file.name);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the checkbox is the keyboard's way
    <div
      role="row"
      class={isChosen ? "iw-file iw-chosen" : "iw-file"}
      aria-rowindex={index + 2}
      onClick={(event) => {
        if (!(event.target instanceof HTMLInputElement)) onToggle(file.name);
      }}
    >
      <span role="cell" class="iw-check">
        <input
          type="checkbox"
          aria-label={`Select ${shown}`}
          checked={isChosen}
          onChange={() => onToggle(file.name)}
        />
      </span>
      <span role="cell" class="iw-cell iw-text" title={shown}>
        {shown}
      </span>
      <span role="cell" class="iw-num">
        {formatBytes(file.size)}
      </span>
      <span role="cell" class="iw-num iw-dim">
        {formatBytes(file.compressed)}
      </span>
    </div>
  );
}
