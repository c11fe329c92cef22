/** Errors of the list and of tasks without an open card. */
import type { ErrorView } from "../contract";
import { truncate } from "../parts/Badge";
import { ErrorBox } from "../parts/ErrorBox";
import { type PendingRequest, WAITING_FOR_KERNEL } from "../parts/useRequest";
import type { TaskError } from "./useTaskErrors";

interface Props {
  /** Of the rows, which are requested again on a click only. */
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
          {WAITING_FOR_KERNEL}
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
