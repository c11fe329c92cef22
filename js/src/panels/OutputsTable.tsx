/** The output files: search, select, preview, download. */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { OutputsView, PreviewView } from "../contract";
import { formatBytes, formatCount, formatPlural } from "../format";
import type { PendingRequest } from "../parts/useRequest";
import { choose, countChosen, namesOf, selectionState, summary, sumOf } from "./file_selection";
import { type Columns, OutputsGrid } from "./OutputsGrid";
import { Preview } from "./Preview";
import { type Sum, Sums } from "./prefix_sums";
import { SegmentedControl } from "./SegmentedControl";
import {
  type FileLine,
  type Folder,
  find,
  flatLines,
  type Line,
  nextSort,
  plant,
  type Sort,
  type SortKey,
  spanOf,
  treeLines,
} from "./tree";

/** Listings up to this length come with their folders open, and need no tools to be searched. */
const SHORT = 8;
const OPEN_BELOW = 30;

const COLUMNS: Columns = [
  ["name", "Name"],
  ["size", "Size"],
  ["compressed", "Compressed"],
];
const formatCell = (key: SortKey, sum: Sum) =>
  formatBytes(key === "size" ? sum.size : sum.compressed);

interface Props {
  outputs: OutputsView;
  /** A download of this task is on its way. */
  isDownloading: boolean;
  pending: PendingRequest;
  /** Names as `namesOf` gives them at first. */
  chosen?: readonly string[] | undefined;
  onChoose?: ((names: string[]) => void) | undefined;
  onDownload: (names: string[] | null) => Promise<unknown>;
  onPreview: (name: string) => Promise<PreviewView>;
}

export function OutputsTable(props: Props) {
  const { outputs, isDownloading, pending, onChoose, onDownload, onPreview } = props;
  const tree = useMemo(() => plant(outputs.files), [outputs]);
  const [sort, setSort] = useState<Sort>({ key: "name", isDescending: false });
  const [isTree, setTree] = useState(tree.folders.length > 0);
  const [search, setSearch] = useState("");
  const isShort = tree.files.length + tree.folders.length <= OPEN_BELOW;
  const [opened, setOpened] = useState<ReadonlySet<Folder>>(new Set(isShort ? tree.folders : []));
  // A search expands all folders: these were collapsed during the search.
  const [collapsed, setCollapsed] = useState<ReadonlySet<Folder>>(new Set());
  const [chosen, setChosen] = useState(() => selectionState(tree, props.chosen ?? []));
  const sent = useRef(chosen);
  const [previewed, setPreviewed] = useState<number | null>(null);

  const isSearch = search.trim() !== "";
  const shown = useMemo(() => find(tree, search), [tree, search]);
  const sums = useMemo(() => new Sums(tree.files, shown), [tree, shown]);
  const counts = useMemo(() => countChosen(chosen, shown), [chosen, shown]);
  const total = useMemo(() => sumOf(tree, find(tree, "")), [tree]);
  const chosenSum = useMemo(() => sumOf(tree, chosen), [tree, chosen]);
  const isOpen = (folder: Folder) => (isSearch ? !collapsed.has(folder) : opened.has(folder));
  // biome-ignore lint/correctness/useExhaustiveDependencies: `isOpen` is made of what is listed
  const lines = useMemo<Line[]>(
    () =>
      isTree ? treeLines(tree, { sort, shown, sums, isOpen }) : flatLines(tree, { sort, shown }),
    [tree, isTree, sort, shown, sums, isSearch, opened, collapsed],
  );

  // At once, so that a cell that is run right after a click finds the choice in Python.
  useLayoutEffect(() => {
    if (onChoose === undefined || sent.current === chosen) return;
    sent.current = chosen;
    onChoose(namesOf(tree, chosen));
  }, [onChoose, tree, chosen]);

  function fold(folders: readonly Folder[], on: boolean): void {
    const [set, turn] = isSearch
      ? ([collapsed, setCollapsed] as const)
      : ([opened, setOpened] as const);
    const next = new Set(set);
    for (const one of folders) {
      if (on === isSearch) next.delete(one);
      else next.add(one);
    }
    turn(next);
  }

  const isBlocked = isDownloading || pending.isBusy;
  const found = sums.of(tree.root).files;
  const isAllOpen = tree.folders.every(isOpen);
  const hasTools = tree.files.length > SHORT || tree.folders.length > 0;
  const files = lines.filter((line): line is FileLine => line.kind === "file");
  const place = files.findIndex(({ index }) => index === previewed);
  const step = (by: number) => {
    const next = place === -1 ? undefined : files[place + by];
    return next && (() => setPreviewed(next.index));
  };
  const file = previewed === null ? undefined : tree.files[previewed];

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the preview from anywhere
    <div
      class="iw-outputs"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || file === undefined) return;
        event.stopPropagation();
        setPreviewed(null);
      }}
    >
      {hasTools ? (
        <div class="iw-tools">
          <input
            type="search"
            class="iw-search"
            aria-label="Search the files"
            placeholder="Search, or *.csv"
            value={search}
            onInput={(event) => {
              setSearch(event.currentTarget.value);
              setCollapsed(new Set());
            }}
          />
          <span class="iw-muted" aria-live="polite">
            {isSearch ? `${formatCount(found)} of ${formatPlural(tree.files.length, "file")}` : ""}
          </span>
          <span class="iw-grow" />
          {tree.folders.length === 0 ? null : (
            <>
              {isTree ? (
                <button
                  type="button"
                  class="iw-button iw-button-plain"
                  onClick={() => fold(tree.folders, !isAllOpen)}
                >
                  {isAllOpen ? "Fold all" : "Expand all"}
                </button>
              ) : null}
              <SegmentedControl
                label="Show the files as"
                choices={[
                  ["Tree", isTree],
                  ["Flat", !isTree],
                ]}
                onChoose={(choice) => setTree(choice === 0)}
              />
            </>
          )}
        </div>
      ) : null}
      <OutputsGrid
        label="Output files"
        columns={COLUMNS}
        formatCell={formatCell}
        tree={tree}
        lines={lines}
        isTree={isTree}
        sort={sort}
        onSort={(key) => setSort(nextSort(sort, key))}
        sums={sums}
        counts={counts}
        previewed={previewed}
        isOpen={isOpen}
        onFold={(folder, on) => fold([folder], on)}
        onChoose={(which, on) => setChosen(choose(chosen, shown, which.map(spanOf), on))}
        onPreview={setPreviewed}
      />
      {tree.files.length === 0 ? <div class="iw-empty">There are no output files.</div> : null}
      {isSearch && found === 0 ? <div class="iw-empty">No file matches.</div> : null}
      {file === undefined ? null : (
        <Preview
          file={file}
          onPreview={onPreview}
          onPrevious={step(-1)}
          onNext={step(1)}
          onClose={() => setPreviewed(null)}
        />
      )}
      <div class="iw-foot">
        <span aria-live="polite">{summary(total, chosenSum)}</span>
        <span class="iw-grow" />
        <span class="iw-buttons">
          <button
            type="button"
            class="iw-button"
            disabled={isBlocked || chosenSum.files === 0}
            onClick={() => {
              const names = chosenSum.files === total.files ? null : namesOf(tree, chosen);
              void pending.run(() => onDownload(names));
            }}
          >
            Download selected
          </button>
          <button
            type="button"
            class="iw-button iw-button-primary"
            disabled={isBlocked || total.files === 0}
            onClick={() => void pending.run(() => onDownload(null))}
          >
            Download all
          </button>
        </span>
      </div>
    </div>
  );
}
