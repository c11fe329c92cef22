/** Status badge: icon, text and colour, so that colour is never the only cue. */
import { formatCount } from "../format";
import { Icon, statusGroupOf } from "./Icons";

interface Props {
  status: string;
  alias: string;
  group: string;
  meaning?: string;
  queueAhead?: number | null;
}

export function Badge({ status, alias, group, meaning = "", queueAhead = null }: Props) {
  const kind = statusGroupOf(group);
  return (
    <span
      role="status"
      class={`iw-badge iw-status-${kind}`}
      data-status={status}
      title={meaning || truncate(alias)}
    >
      <Icon name={kind} />
      <span class="iw-badge-text">
        <bdi>{alias}</bdi>
        {queueAhead === null ? null : (
          <span class="iw-badge-more">
            {queueAhead > 0 ? ` · ${formatCount(queueAhead)} ahead` : " · next"}
          </span>
        )}
      </span>
    </span>
  );
}

/** Tool tips of a text that may be endless. */
export function truncate(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
