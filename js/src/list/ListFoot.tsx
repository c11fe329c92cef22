/** Footer of the table: totals, actions on the selection, and its download. */
import type { Bridge } from "../bridge";
import type { ServiceTime } from "../clock";
import { LazyPanel } from "../code_splitting";
import { COLUMNS } from "../columns";
import type { ColumnKey, TaskListTraits } from "../contract";
import { hasEnded } from "../download_progress";
import { formatCount, formatPlural } from "../format";
import type { Opener } from "../panels/Compare";
import { PollStatus } from "../parts/PollStatus";
import { Progress } from "../parts/Progress";
import { useRequest } from "../parts/useRequest";
import { useSums } from "./GroupCounts";

interface Props {
  bridge: Bridge;
  traits: Pick<
    TaskListTraits,
    "total" | "aggregates" | "query_result" | "selection" | "is_demo" | "poll_status" | "download"
  >;
  time: ServiceTime;
  isLive: boolean;
  /** Number of reported errors. */
  epoch: number;
  opener: Opener;
  /** Columns for which there is no room. */
  left: readonly ColumnKey[];
  /** Whether columns without room are left out, rather than reached by scrolling. */
  isFitted: boolean;
  onFit: (isFitted: boolean) => void;
  onClear: () => void;
}

export function ListFoot({ bridge, traits, time, isLive, epoch, opener, ...rest }: Props) {
  const { total, aggregates, query_result: result, selection, download } = traits;
  const steer = useRequest();
  const isDownloading = download !== null && !hasEnded(download);
  const isWhole = result.tasks === total;
  const { cost, seconds } = useSums(aggregates, time, isLive);
  const sums = [
    `${isWhole ? "" : `${formatCount(result.tasks)} of `}${formatPlural(total, "task")}`,
    ...(cost === null ? [] : [cost]),
    ...(seconds === null ? [] : [`${seconds} computed`]),
  ];
  return (
    <>
      {download === null ? null : (
        <Progress
          download={download}
          pending={steer}
          onPause={() => bridge.request("pause_download", {})}
          onResume={() => bridge.request("resume_download", {})}
          onCancel={() => bridge.request("cancel_download", {})}
        />
      )}
      <div class="iw-foot iw-list-foot">
        {selection.tasks === 0 ? null : (
          <LazyPanel
            bridge={bridge}
            name="SelectionBar"
            props={{ bridge, selection, isDownloading, epoch, opener, onClear: rest.onClear }}
          />
        )}
        {traits.is_demo ? (
          <span class="iw-demo" title="Example tasks that come with the package">
            DEMO
          </span>
        ) : null}
        <span class="iw-grow" />
        {rest.left.length === 0 && rest.isFitted ? null : (
          <button
            type="button"
            class="iw-link"
            title={
              rest.isFitted
                ? `Show ${rest.left.map((key) => COLUMNS[key].title).join(", ")}`
                : "Leave out columns for which there is no room"
            }
            onClick={() => rest.onFit(!rest.isFitted)}
          >
            {rest.isFitted ? `+${formatPlural(rest.left.length, "column")}` : "Fit columns"}
          </button>
        )}
        <span class="iw-totals">
          <span>{sums.join(" · ")}</span>
          <PollStatus status={traits.poll_status} time={time} isLive={isLive} />
        </span>
      </div>
    </>
  );
}
