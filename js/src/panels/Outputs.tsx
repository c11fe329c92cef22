/** The Outputs tab: requests the listing when it is first opened. */
import { useLayoutEffect, useState } from "preact/hooks";
import type { OutputsView, PreviewView } from "../contract";
import { ErrorBox } from "../parts/ErrorBox";
import { type PendingRequest, useRequest, WAITING_FOR_KERNEL } from "../parts/useRequest";
import { OutputsTable } from "./OutputsTable";

interface Props {
  onList(): Promise<OutputsView>;
  onDownload(names: string[] | null): Promise<unknown>;
  onPreview(name: string): Promise<PreviewView>;
  isDownloading: boolean;
  pending: PendingRequest;
  chosen?: readonly string[];
  onChoose?(names: string[]): void;
}

export function Outputs({ onList, ...props }: Props) {
  const [outputs, setOutputs] = useState<OutputsView | null>(null);
  const loading = useRequest();
  const load = () => loading.run(async () => setOutputs(await onList()));
  // biome-ignore lint/correctness/useExhaustiveDependencies: once per opening
  useLayoutEffect(() => {
    void load();
  }, []);
  if (outputs !== null) return <OutputsTable outputs={outputs} {...props} />;
  if (loading.error !== null) {
    return (
      <ErrorBox error={loading.error}>
        <button type="button" class="iw-button" onClick={load}>
          Try again
        </button>
      </ErrorBox>
    );
  }
  return (
    <div class="iw-empty" role="note">
      {loading.isSlow ? WAITING_FOR_KERNEL : "Listing the output files…"}
    </div>
  );
}
