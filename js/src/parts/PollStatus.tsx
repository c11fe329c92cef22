/** How recent the shown state is. */
import { type ServiceTime, useNow } from "../clock";
import type { PollStatusView } from "../contract";
import { formatAgo, formatDate, formatMoment } from "../format";
import { truncate } from "./Badge";
import { Icon } from "./Icons";

interface Props {
  status: PollStatusView;
  time: ServiceTime;
  /** Whether something shown may still change. */
  isLive: boolean;
}

export function PollStatus({ status, time, isLive }: Props) {
  const now = useNow(time, isLive && status.offline_since === null);
  if (status.offline_since !== null) {
    const { problem, is_final } = status;
    return (
      <span class="iw-poll-status iw-poll-status-offline" title={truncate(status.error ?? "")}>
        <Icon name="alert" />
        <span class="iw-text">
          {problem ?? "offline"} since {formatMoment(status.offline_since, now)}
          {is_final ? "" : ", retrying"}
        </span>
      </span>
    );
  }
  if (status.is_paused) return <span class="iw-poll-status">paused while hidden</span>;
  if (status.updated === null) return null;
  if (time.frozen !== null) {
    return (
      <span class="iw-poll-status">last known state, updated {formatDate(status.updated)}</span>
    );
  }
  return (
    <span class="iw-poll-status" title={truncate(status.error ?? "")}>
      updated {isLive ? formatAgo(status.updated, now) : formatDate(status.updated)}
    </span>
  );
}
