/** How recent the shown state is. */
import { type ServiceTime, useNow } from "../clock";
import type { PollStatusView } from "../contract";
import { formatAgo, formatDate, formatMoment } from "../format";
import { truncate } from "./Badge";
import { Icon } from "./Icons";

interface Props {
  feed: PollStatusView;
  time: ServiceTime;
  /** Whether something shown may still change. */
  isLive: boolean;
}

export function PollStatus({ feed, time, isLive }: Props) {
  const now = useNow(time, isLive && feed.offline_since === null);
  if (feed.offline_since !== null) {
    const { problem, is_final } = feed;
    return (
      <span class="iw-poll-status iw-poll-status-offline" title={truncate(feed.error ?? "")}>
        <Icon name="alert" />
        <span class="iw-text">
          {problem ?? "offline"} since {formatMoment(feed.offline_since, now)}
          {is_final ? "" : ", retrying"}
        </span>
      </span>
    );
  }
  if (feed.is_paused) return <span class="iw-poll-status">paused while hidden</span>;
  if (feed.updated === null) return null;
  if (time.frozen !== null) {
    return <span class="iw-poll-status">last known state, updated {formatDate(feed.updated)}</span>;
  }
  return (
    <span class="iw-poll-status" title={truncate(feed.error ?? "")}>
      updated {isLive ? formatAgo(feed.updated, now) : formatDate(feed.updated)}
    </span>
  );
}
