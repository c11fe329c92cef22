/** The interactive table of tasks. */
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Bridge, errorView, useKernelLost, usePollStatus, useTrait } from "../bridge";
import { useServiceTime } from "../clock";
import { LazyPanel } from "../code_splitting";
import { knownColumns, layoutColumns, ROW_HEIGHT, SHOWN_ROWS } from "../columns";
import type { ColumnKey, DownloadView, RowView, TaskListTraits } from "../contract";
import { actionsFor } from "../entries/task";
import { useRefreshWhenStale } from "../kernel_connection";
import type { Requests } from "../messages";
import type { Axis } from "../panels/Gantt";
import type { TimeRange } from "../panels/time_range";
import { useRequest } from "../parts/useRequest";
import { useWidth } from "../use_width";
import { useVisibleRange } from "../virtual_scroll";
import { GroupRow } from "./GroupRow";
import { HeaderRow } from "./HeaderRow";
import { ListErrors } from "./ListErrors";
import { ListFoot } from "./ListFoot";
import { ListHead } from "./ListHead";
import { layoutItems } from "./layoutItems";
import { OpenCard } from "./OpenCard";
import { BlankRow, type Doing, Row } from "./Row";
import { useOpenCards } from "./useOpenCards";
import { useQuery } from "./useQuery";
import { useRovingFocus } from "./useRovingFocus";
import { isGroup, useRows } from "./useRows";
import { useTaskErrors } from "./useTaskErrors";

const TIMELINE_COLUMNS: readonly ColumnKey[] = ["status", "simulator", "task_id"];

export function TaskList({ bridge }: { bridge: Bridge }) {
  const trait = <K extends keyof TaskListTraits>(key: K) =>
    useTrait<TaskListTraits[K]>(bridge, key);
  const total = trait("total");
  const aggregates = trait("aggregates");
  const mode = trait("mode");
  const chosen = trait("columns");
  const widths = trait("column_widths");
  const [is_following, is_demo] = [trait("is_following"), trait("is_demo")];
  const bulk: DownloadView | null = trait("download");
  const { pollStatus, seen } = usePollStatus(bridge);
  const pending = useRequest();
  const { result, selection, cache, marks, error, retry, want, select } = useRows(bridge);
  const { query, ask } = useQuery(bridge, result, pending);
  const { cards: found, downloads, toggle } = useOpenCards(bridge);
  const { notices, epochs, addError, dismiss } = useTaskErrors(bridge);
  const [heights, setHeights] = useState<ReadonlyMap<string, number>>(new Map());
  const [menu, setMenu] = useState<{ key: ColumnKey | null; anchor: HTMLElement } | null>(null);
  const [span, setSpan] = useState<TimeRange | null>(null);
  const search = useRef<HTMLInputElement>(null);
  const anchor = useRef(0);

  const scroller = useRef<HTMLDivElement>(null);
  const isTimeline = mode === "timeline";
  const known = useMemo(() => knownColumns(chosen), [chosen]);
  const [isFitted, setFitted] = useState(true);
  const available = useWidth(scroller, Number.POSITIVE_INFINITY);
  // While a column is dragged, the kernel is not told.
  const [dragged, setDragged] = useState<Readonly<Record<string, number>> | null>(null);
  const layout = layoutColumns(isTimeline ? TIMELINE_COLUMNS : known, {
    hasAxis: isTimeline,
    available: isFitted ? available : Number.POSITIVE_INFINITY,
    widths: dragged ?? widths,
  });
  const { columns } = layout;
  const width = columns.length + 2;
  const lines = result.lines;
  const isLive =
    (aggregates.counts.run ?? 0) + (aggregates.counts.wait ?? 0) > 0 || cache.hasLive();
  const { offset, frozen } = useServiceTime(pollStatus, isLive, seen, useKernelLost(bridge));
  useRefreshWhenStale(bridge, frozen !== null);
  const time = useMemo(() => ({ offset, frozen }), [offset, frozen]);
  // Open cards move along with their rows, and are hidden with them.
  const cards = found
    .flatMap((card) => ({ card, index: cache.placeOf(card.id) ?? -1 }))
    .filter(({ index }) => index >= 0)
    .sort((a, b) => a.index - b.index);
  const gaps = cards.map(({ card, index }) => ({
    after: index,
    height: heights.get(card.id) ?? 0,
  }));
  const range = useVisibleRange(scroller, lines, ROW_HEIGHT, gaps);
  const roving = useRovingFocus(scroller, cache, lines, ROW_HEIGHT, gaps);
  useLayoutEffect(() => void want(range));

  // What is shown instead begins at its beginning.
  const { collapsed: _, ...looked } = result.query;
  const look = JSON.stringify(looked);
  const shown = useRef(look);
  useLayoutEffect(() => {
    if (shown.current !== look && scroller.current !== null) scroller.current.scrollTop = 0;
    shown.current = look;
  }, [look]);

  const measure = useCallback((id: string, height: number) => {
    setHeights((before) => (before.get(id) === height ? before : new Map(before).set(id, height)));
  }, []);
  const choose = (what: Requests["select"]) => void pending.run(() => select(what));

  function chooseAt(index: number, isRange: boolean) {
    const line = cache.at(index);
    if (line === undefined || isGroup(line)) return;
    const on = !marks.has(line.id);
    const [start, stop] = [Math.min(anchor.current, index), Math.max(anchor.current, index) + 1];
    choose(isRange ? { start, stop, on } : { ids: [line.id], on });
    anchor.current = index;
  }

  function toggleAt(index: number) {
    if (bridge.isLost) return;
    const line = cache.at(index);
    if (line === undefined) return;
    if (!isGroup(line)) return toggle(line);
    const others = query.collapsed.filter((group) => group !== line.group);
    ask({ collapsed: line.is_open ? [...others, line.group] : others });
  }

  const run = (id: string, action: Promise<unknown>) =>
    action.catch((thrown) => {
      addError(id, errorView(thrown));
      throw thrown;
    });
  const doing = useRef<Doing>(null as never);
  doing.current = {
    toggle: toggleAt,
    choose: chooseAt,
    kill: (id) => run(id, actionsFor(bridge, id).kill()),
    download: (id) => run(id, actionsFor(bridge, id).download(null)),
  };

  const opened = new Map(cards.map((one) => [one.index, one.card]));
  const extra = gaps.reduce((sum, { height }) => sum + height, 0);

  function lineAt(index: number, axis: Axis | null) {
    const line = cache.at(index) ?? cache.before(index);
    const tab = index === roving.active ? 0 : -1;
    if (line === undefined) {
      return <BlankRow key={index} index={index} columns={width} tab={tab} />;
    }
    const onToggle = () => toggleAt(index);
    if (isGroup(line)) {
      const props = { line, index, columns: width, tab, time, isLive, onToggle };
      return <GroupRow key={`group ${line.group}`} {...props} />;
    }
    const { id } = line;
    return (
      <Row
        key={id}
        row={line}
        index={index}
        time={time}
        columns={columns}
        tab={tab}
        isOpen={opened.has(index)}
        isChosen={marks.has(id)}
        download={downloads.get(id)}
        epoch={epochs.get(id) ?? 0}
        doing={doing}
        bar={axis?.bar(line)}
      />
    );
  }

  function resize(key: ColumnKey, pixels: number | null, isDone: boolean) {
    const { [key]: _, ...others } = widths;
    const next = pixels === null ? others : { ...others, [key]: pixels };
    setDragged(isDone ? null : next);
    if (isDone) bridge.set("column_widths", next);
  }

  function opener(id: string) {
    const index = cache.placeOf(id);
    const line = index === undefined ? undefined : cache.at(index);
    if (index === undefined || line === undefined || isGroup(line)) return null;
    return () => {
      if (!opened.has(index)) toggle(line);
      roving.go(index);
    };
  }

  const grid = (axis: Axis | null) => (
    <div
      role="grid"
      aria-label="Tasks"
      aria-multiselectable="true"
      aria-rowcount={lines + 1}
      aria-colcount={width}
      style={{
        "--iw-grid-columns": layout.template,
        minWidth: `${layout.width}px`,
        // Also while its lines are exchanged, or the browser would scroll up.
        minHeight: `${(lines + 1) * ROW_HEIGHT + extra}px`,
      }}
      onFocusIn={roving.onFocusIn}
      onKeyDown={(event) =>
        roving.onKeyDown(event, {
          onToggle: toggleAt,
          onChoose: (index) => chooseAt(index, false),
          onExtend: (start, stop) => choose({ start, stop, on: true }),
        })
      }
    >
      <HeaderRow
        columns={columns}
        query={query}
        ask={ask}
        isAllChosen={
          selection.tasks === selection.hidden
            ? false
            : selection.tasks - selection.hidden === result.tasks || null
        }
        onChooseAll={(on) => choose({ on })}
        onFilter={(key, anchor) => setMenu({ key, anchor })}
        onResize={(key, pixels, isDone) => resize(key, pixels, isDone)}
        axis={axis?.head}
      />
      {layoutItems(range, lines, [...opened.keys()], roving.active).map((item) => {
        if (item.kind === "row") return lineAt(item.index, axis);
        if (item.kind === "space") {
          const style = { height: `${item.rows * ROW_HEIGHT}px` };
          return <div key={item.key} role="presentation" style={style} />;
        }
        const card = opened.get(item.index);
        if (card === undefined) return null;
        const notice = notices.find(({ task_id }) => task_id === card.id);
        return (
          <OpenCard
            key={`card ${card.id}`}
            bridge={bridge}
            card={card}
            index={item.index}
            row={cache.at(item.index) as RowView | undefined}
            columns={width}
            download={downloads.get(card.id) ?? null}
            pollStatus={pollStatus}
            time={time}
            error={card.error ?? notice?.error ?? null}
            onHeight={measure}
          />
        );
      })}
    </div>
  );

  const clear = { search: "", status_groups: [], filters: {} };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a shortcut for all that is in it
    <div
      class="iw-list-box"
      onKeyDown={(event) => {
        if (event.key !== "/" || (event.target as Element).closest("input, select")) return;
        event.preventDefault();
        search.current?.focus();
      }}
    >
      <div class="iw-frame">
        <ListHead
          bridge={bridge}
          traits={{ aggregates, query_result: result, mode, is_following }}
          query={query}
          ask={ask}
          pending={pending}
          search={search}
          onColumns={(anchor) => setMenu({ key: null, anchor })}
        >
          {Object.keys(query.filters).length === 0 ? null : (
            <LazyPanel bridge={bridge} name="FilterChips" props={{ query, ask }} />
          )}
          {isTimeline ? (
            <LazyPanel
              bridge={bridge}
              name="GanttTools"
              props={{
                result,
                time,
                isLive,
                span,
                onSpan: setSpan,
                scroller,
                lineAt: (index) => cache.at(index),
              }}
            />
          ) : null}
        </ListHead>
        <div
          class={`iw-scroller iw-tasks ${layout.width > available ? "iw-sideways" : ""}`}
          ref={scroller}
          // An open card makes room for itself: the rows around it stay in view.
          style={{ maxHeight: `${(SHOWN_ROWS + 1) * ROW_HEIGHT + extra}px` }}
        >
          {lines === 0 ? null : isTimeline ? (
            <LazyPanel
              bridge={bridge}
              name="Gantt"
              props={{ result, time, isLive, span, onSpan: setSpan, scroller, grid }}
            />
          ) : (
            grid(null)
          )}
          {lines > 0 ? null : total === 0 ? (
            <div class="iw-empty">No tasks here yet. Run a simulation, and it will show up.</div>
          ) : (
            <div class="iw-empty">
              No tasks match.{" "}
              <button type="button" class="iw-button" onClick={() => ask(clear)}>
                Clear filters
              </button>
            </div>
          )}
        </div>
        <ListErrors
          error={error}
          onRetry={retry}
          pending={pending}
          notices={notices.filter(({ task_id }) => !cards.some(({ card }) => card.id === task_id))}
          onDismiss={dismiss}
        />
        <ListFoot
          bridge={bridge}
          traits={{
            total,
            aggregates,
            query_result: result,
            selection,
            is_demo,
            poll_status: pollStatus,
            download: bulk,
          }}
          time={time}
          isLive={isLive}
          epoch={[...epochs.values()].reduce((sum, count) => sum + count, 0)}
          opener={opener}
          left={layout.left}
          isFitted={isFitted}
          onFit={setFitted}
          onClear={() => choose({ on: false })}
        />
      </div>
      {menu === null ? null : (
        <LazyPanel
          bridge={bridge}
          name="Menu"
          props={{
            bridge,
            column: menu.key,
            columns: chosen,
            query,
            ask,
            anchor: menu.anchor,
            onClose: () => setMenu(null),
          }}
        />
      )}
    </div>
  );
}
