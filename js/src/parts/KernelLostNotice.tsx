/** Says that the kernel has gone, and disables every control that would need it. */
import type { ComponentChildren } from "preact";
import { type Bridge, useLost } from "../bridge";
import { Icon } from "./Icons";

interface Props {
  bridge: Bridge;
  children?: ComponentChildren;
}

export function Sealed({ bridge, children }: Props) {
  const isLost = useLost(bridge);
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
      {/* Always there, as what is in it would begin anew elsewhere. */}
      <fieldset class="iw-lost-content" role="presentation" disabled={isLost}>
        {children}
      </fieldset>
    </>
  );
}
