/** What went wrong with the list, and with tasks whose card is not open. */
import type { ErrorView } from "../contract";
import { truncate } from "../parts/Badge";
import { ErrorBox } from "../parts/ErrorBox";
import { type PendingRequest, WAITING } from "../parts/useRequest";
import type { TaskError } from "./useTaskErrors";

interface Props {
  /** Of the lines, which are asked for again only when told to. */
  error: ErrorView | null;
  onRetry: () => void;
  /** What was asked for last. */
  pending: PendingRequest;
  notices: TaskError[];
  onDismiss: (notice: TaskError) => void;
}

export function ListErrors({ error, onRetry, pending, notices, onDismiss }: Props) {
  return (
    <>
      {error === null ? null : (
        <ErrorBox error={error} onDismiss={onRetry} dismissLabel="Try again" />
      )}
      {pending.error === null ? null : <ErrorBox error={pending.error} onDismiss={pending.clear} />}
      {pending.isSlow ? (
        <div class="iw-note" role="note">
          {WAITING}
        </div>
      ) : null}
      {notices.map((notice) => (
        <ErrorBox
          key={notice.task_id}
          error={{
            ...notice.error,
            title: `Task ${truncate(notice.task_id)}: ${notice.error.title}`,
          }}
          onDismiss={() => onDismiss(notice)}
        />
      ))}
    </>
  );
}
