/** What went wrong with the list, and with tasks whose card is not open. */
import type { ErrorView } from "../contract";
import { clip } from "../parts/Badge";
import { ErrorBox } from "../parts/ErrorBox";
import { type Pending, WAITING } from "../parts/pending";
import type { Notice } from "./notices";

interface Props {
  /** Of the lines, which are asked for again only when told to. */
  error: ErrorView | null;
  onRetry: () => void;
  /** What was asked for last. */
  pending: Pending;
  notices: Notice[];
  onDismiss: (notice: Notice) => void;
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
            title: `Task ${clip(notice.task_id)}: ${notice.error.title}`,
          }}
          onDismiss={() => onDismiss(notice)}
        />
      ))}
    </>
  );
}
