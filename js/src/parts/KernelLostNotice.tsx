/** Reports that the kernel is gone, and disables all controls. */
import type { ComponentChildren } from "preact";
import { type Bridge, useKernelLost } from "../bridge";
import { Icon } from "./Icons";

interface Props {
  bridge: Bridge;
  children?: ComponentChildren;
}

export function KernelLostNotice({ bridge, children }: Props) {
  const isLost = useKernelLost(bridge);
  return (
    <>
      {isLost ? (
        <div class="iw-lost-notice" role="alert">
          <Icon name="alert" />
          <span>
            This view has lost its kernel, which was restarted or shut down. It shows the last known
            state. <b>Run the cell again</b> for a live view.
          </span>
        </div>
      ) : null}
      {/* Always rendered: the children would lose their state in another parent. */}
      <fieldset class="iw-lost-content" role="presentation" disabled={isLost}>
        {children}
      </fieldset>
    </>
  );
}
