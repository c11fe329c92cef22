/**
 * Detects a lost kernel, and restores the connection after a failed initialization.
 *
 * What is used here beyond the common interface of hosts is ipywidgets' and JupyterLab's, and
 * optional: without it a view without updates shows a notice after a minute.
 */
import { useLayoutEffect } from "preact/hooks";
import type { Bridge, Host } from "./bridge";
import { STALE_AFTER_MS } from "./clock";

/** ipywidgets' model, as far as it is needed to go around a failed initialization. */
interface Model {
  comm?: { on_msg(handle: (message: unknown) => unknown): void };
  _handle_comm_msg?: (message: unknown) => Promise<unknown>;
}

interface Signal {
  connect(slot: () => void): void;
  disconnect(slot: () => void): void;
}

/** JupyterLab's connection to a kernel. */
interface Kernel {
  isDisposed: boolean;
  status: string;
  disposed: Signal;
  statusChanged: Signal;
}

/** ipywidgets' class for a view whose model has no live comm. */
const DISCONNECTED = "jupyter-widgets-disconnected";
/** "restarting" comes first also if the server restarts a kernel that has died. */
const GONE_STATUSES = new Set(["restarting", "autorestarting", "terminating", "dead"]);

/**
 * Lets messages of the kernel through although anywidget has refused them for good, and asks for
 * what was missed. anywidget does so if a model was not initialized in 2 s, see `Runtime.ready`:
 * https://github.com/manzt/anywidget/blob/main/packages/anywidget/src/runtime.ts
 */
export async function reconnect(host: Host, bridge: Bridge): Promise<void> {
  const model = (await host.widget_manager?.get_model(String(host.get("_self_id")))) as
    | Model
    | undefined;
  if (typeof model?._handle_comm_msg !== "function" || model.comm === undefined) return;
  try {
    // Of a kind that no model does anything with, so only the refusal shows.
    await model._handle_comm_msg({ content: { data: { method: "none" } } });
    return;
  } catch {
    // Refused.
  }
  const handle = inheritedHandler(model);
  if (handle === undefined) return;
  model.comm.on_msg((message) => handle.call(model, message));
  await bridge.request("refresh", {});
}

/** The method of ipywidgets' own class, which anywidget's overrides. */
function inheritedHandler(model: Model): Model["_handle_comm_msg"] {
  let found: Model["_handle_comm_msg"];
  for (let at: Model | null = model; at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, "_handle_comm_msg")) found = at._handle_comm_msg;
  }
  return found;
}

/** Calls `onGone` once if the kernel goes, until the returned function is called. */
export function onKernelGone(host: Host, el: Element, onGone: () => void): () => void {
  const kernel = (host.widget_manager as { kernel?: Kernel | null } | undefined)?.kernel;
  let isOver = false;
  const look = () => {
    if (isOver) return;
    const isGone =
      el.classList.contains(DISCONNECTED) ||
      (kernel != null && (kernel.isDisposed || GONE_STATUSES.has(kernel.status)));
    if (!isGone) return;
    end();
    onGone();
  };
  const end = () => {
    isOver = true;
    host.off("comm_live_update", look);
    kernel?.disposed?.disconnect(look);
    kernel?.statusChanged?.disconnect(look);
  };
  host.on("comm_live_update", look);
  kernel?.disposed?.connect(look);
  kernel?.statusChanged?.connect(look);
  look();
  return end;
}

/** Requests the whole state for each minute without an update of live tasks. */
export function useRefreshWhenStale(bridge: Bridge, isStale: boolean): void {
  useLayoutEffect(() => {
    if (!isStale || bridge.isLost) return undefined;
    let isWaiting = false;
    const ask = () => {
      if (isWaiting) return;
      isWaiting = true;
      const done = () => {
        isWaiting = false;
      };
      bridge.request("refresh", {}).then(done, done);
    };
    ask();
    const timer = setInterval(ask, STALE_AFTER_MS);
    return () => clearInterval(timer);
  }, [bridge, isStale]);
}
