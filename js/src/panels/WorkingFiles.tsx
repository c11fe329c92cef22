/** The working folder of a running task, and the end of one of its files. */
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { onTick, type ServiceTime, useNow } from "../clock";
import type { FilesView, LogView, WorkingFileView } from "../contract";
import { formatAgo, formatBytes, formatPlural } from "../format";
import type { Requests } from "../messages";
import { truncate } from "../parts/Badge";
import { ErrorBox } from "../parts/ErrorBox";
import { Icon } from "../parts/Icons";
import { useRequest, WAITING_FOR_KERNEL } from "../parts/useRequest";
import { Log } from "./Log";
import { type Columns, OutputsGrid } from "./OutputsGrid";
import { type Sum, Sums } from "./prefix_sums";
import { type Folder, find, nextSort, plant, type Sort, type SortKey, treeLines } from "./tree";
import { visibleName } from "./visible_name";

/** How often the folder is looked at, in seconds. */
const EACH = 2;
/** Shorter listings come with their folders open. */
const OPEN_BELOW = 30;

interface Props {
  onFiles(): Promise<FilesView>;
  onLog(name: string, side: Omit<Requests["log"], "task_id" | "name">): Promise<LogView>;
  time: ServiceTime;
}

export function WorkingFiles({ onFiles, onLog, time }: Props) {
  const [file, setFile] = useState<string | null>(null);
  const names = useMemo(() => (file === null ? [] : [file]), [file]);
  const listing = useListing(onFiles, file === null);
  const [sort, setSort] = useState<Sort>({ key: "name", isDescending: false });
  if (file !== null) {
    const said = truncate(visibleName(file));
    return (
      <Log
        key={file}
        names={names}
        title={
          <span class="iw-file-back">
            <button type="button" class="iw-button" onClick={() => setFile(null)}>
              <Icon name="chevron" /> All files
            </button>
            <b class="iw-cell" title={said}>
              <bdi>{said}</bdi>
            </b>
          </span>
        }
        name={file}
        onName={setFile}
        onLog={onLog}
      />
    );
  }
  const { view, grown, pending, box, load } = listing;
  const problem =
    pending.error === null ? null : (
      <ErrorBox error={pending.error} onDismiss={load} dismissLabel="Try again" />
    );
  const note = view === null ? "Listing the files…" : view.note || "There are no files yet.";
  return (
    <div ref={box} class="iw-outputs iw-working">
      {problem}
      {view === null || view.files.length === 0 ? (
        view === null && problem !== null ? null : (
          <div class="iw-empty" role="note">
            {pending.isSlow ? WAITING_FOR_KERNEL : note}
          </div>
        )
      ) : (
        <Folders
          view={view}
          grown={grown}
          time={time}
          sort={sort}
          onSort={(key) => setSort(nextSort(sort, key))}
          onFile={setFile}
        />
      )}
    </div>
  );
}

/** The listing, asked for again and again while it is in sight; `grown` are files that have. */
function useListing(onFiles: () => Promise<FilesView>, isShown: boolean) {
  const [view, setView] = useState<FilesView | null>(null);
  const [grown, setGrown] = useState<ReadonlySet<string>>(new Set());
  const pending = useRequest();
  const box = useRef<HTMLDivElement>(null);
  const last = useRef<FilesView | null>(null);
  const isAsking = useRef(false);
  const { run } = pending;
  const load = useCallback(async () => {
    if (isAsking.current) return;
    isAsking.current = true;
    await run(async () => {
      const next = await onFiles();
      setGrown(grownSince(last.current?.files ?? [], next.files));
      setView(next);
      last.current = next;
    });
    isAsking.current = false;
  }, [onFiles, run]);

  const hasFailed = pending.error !== null;
  useLayoutEffect(() => {
    if (!isShown || hasFailed) return undefined;
    let ticks = 0;
    let isInSight = true;
    const node = box.current;
    const watch =
      typeof IntersectionObserver === "undefined" || node === null
        ? null
        : new IntersectionObserver((entries) => {
            isInSight = entries.at(-1)?.isIntersecting ?? true;
          });
    if (node !== null) watch?.observe(node);
    void load();
    const stop = onTick(() => {
      ticks += 1;
      if (ticks % EACH === 0 && isInSight && node?.ownerDocument.hidden !== true) void load();
    });
    return () => {
      watch?.disconnect();
      stop();
    };
  }, [isShown, hasFailed, load]);
  return { view, grown, pending, box, load };
}

function grownSince(
  before: readonly WorkingFileView[],
  now: readonly WorkingFileView[],
): Set<string> {
  const sizes = new Map(before.map(({ name, size }) => [name, size]));
  return new Set(
    now
      .filter(({ name, size }) => size !== null && size > (sizes.get(name) ?? size))
      .map(({ name }) => name),
  );
}

interface FoldersProps {
  view: FilesView;
  grown: ReadonlySet<string>;
  time: ServiceTime;
  sort: Sort;
  onSort(key: SortKey): void;
  onFile(name: string): void;
}

function Folders({ view, grown, time, sort, onSort, onFile }: FoldersProps) {
  const now = useNow(time, true);
  const tree = useMemo(
    () => plant(view.files.map((one) => ({ ...one, compressed: null }))),
    [view],
  );
  // By path: each listing builds a new tree.
  const [turned, setTurned] = useState<ReadonlyMap<string, boolean>>(new Map());
  const isShort = useRef(tree.files.length <= OPEN_BELOW).current;
  const shown = useMemo(() => find(tree, ""), [tree]);
  const sums = useMemo(() => new Sums(tree.files, shown), [tree, shown]);
  const isOpen = ({ path }: Folder) => turned.get(path) ?? isShort;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `isOpen` is made of what is listed
  const lines = useMemo(
    () => treeLines(tree, { sort, shown, sums, isOpen }),
    [tree, sort, shown, sums, turned],
  );
  const columns: Columns = [
    ["name", "Name"],
    ...(tree.files.some(({ size }) => size !== null) ? ([["size", "Size"]] as const) : []),
    ...(tree.files.some(({ modified }) => modified != null)
      ? ([["modified", "Changed"]] as const)
      : []),
  ];
  const formatCell = (key: SortKey, { size, modified }: Sum): string => {
    if (key === "size") return size === null ? "–" : formatBytes(size);
    return modified === null ? "–" : formatAgo(modified, now);
  };
  const { files, size } = sums.of(tree.root);
  const nameOf = (index: number) => tree.files[index]?.name ?? "";
  return (
    <div style={{ "--iw-extra-columns": Math.max(1, columns.length - 1) }}>
      <OutputsGrid
        label="Working folder"
        columns={columns}
        formatCell={formatCell}
        tree={tree}
        lines={lines}
        isTree={tree.folders.length > 0}
        sort={sort}
        onSort={onSort}
        sums={sums}
        idOf={nameOf}
        isGrowing={(index) => grown.has(nameOf(index))}
        isOpen={isOpen}
        onFold={({ path }, on) => setTurned(new Map(turned).set(path, on))}
        onPreview={(index) => onFile(nameOf(index))}
      />
      <div class="iw-foot iw-muted">
        <span>
          {[
            formatPlural(files + view.more, "file"),
            size === null || view.more > 0 ? "" : formatBytes(size),
            view.more > 0 ? `${formatPlural(view.more, "file")} left out` : "",
            view.note,
          ]
            .filter(Boolean)
            .join(" · ")}
        </span>
      </div>
    </div>
  );
}
