/**
 * The entry of the bundle: every widget class of the package loads it, and `kind` selects the view.
 *
 * A host may run `render` before `el` is in the document, put it into a ShadowRoot, render two
 * views of one model, pass no `signal`, and offers nothing beyond what `Host` lists.
 */
import { type ComponentType, h, render as mount } from "preact";
import { Bridge, type Host } from "./bridge";
import { DownloadEntry } from "./entries/download";
import { OutputsEntry } from "./entries/outputs";
import { onKernelGone, reconnect } from "./kernel_connection";
import { ErrorBoundary } from "./parts/ErrorBoundary";
import { ErrorBox } from "./parts/ErrorBox";
import { KernelLostNotice } from "./parts/KernelLostNotice";
import { guardShortcuts } from "./shortcuts";
import "./styles/index.css";
import { TaskEntry } from "./entries/task";
import { TaskListEntry } from "./entries/task_list";
import { detachedView, registerView, type View } from "./view_registry";
import { mountWhileVisible, reportVisibility } from "./visibility";

const ENTRIES = new Map<string, ComponentType<{ bridge: Bridge }>>([
  ["task", TaskEntry],
  ["task_list", TaskListEntry],
  ["download", DownloadEntry],
  ["outputs", OutputsEntry],
]);

interface RenderProps {
  model: Host;
  el: HTMLElement;
  signal?: AbortSignal;
}

function render({ model, el, signal }: RenderProps): () => void {
  // A display may be cleared before the host draws it; such a view would never be closed.
  if (signal?.aborted) return () => undefined;
  const before = detachedView(modelId(model));
  before?.moveTo(el, model);
  const view = before ?? draw(model, el);
  const cleanup = () => {
    // Hosts may both abort the signal and call the returned function.
    signal?.removeEventListener("abort", cleanup);
    view.end(el);
  };
  signal?.addEventListener("abort", cleanup);
  return cleanup;
}

function draw(model: Host, el: HTMLElement): View {
  const root = el.ownerDocument.createElement("div");
  root.className = "iw-root";
  el.append(root);
  const bridge = new Bridge(model);
  guardShortcuts(root);
  const kind = String(model.get("kind"));
  const entry = ENTRIES.get(kind);
  const content = () =>
    entry === undefined
      ? h(ErrorBox, {
          error: {
            title: "This widget cannot be shown.",
            detail: `The page does not know the kind "${kind}". Reload it after an update.`,
            report: `unknown kind ${kind}`,
          },
        })
      : h(ErrorBoundary, null, h(KernelLostNotice, { bridge }, h(entry, { bridge })));
  const watchKernel = (host: Host, home: Element) =>
    onKernelGone(host, home, () => {
      root.classList.add("iw-lost");
      bridge.markLost();
    });
  let forget = watchKernel(model, el);
  // Where it fails, the view has what the host gives it, and asks again by itself.
  reconnect(model, bridge).catch(() => undefined);
  const rest = mountWhileVisible(root, () => {
    mount(content(), root);
    const sayGoodbye = reportVisibility(bridge, el.ownerDocument);
    return () => {
      mount(null, root);
      sayGoodbye();
    };
  });
  return registerView(modelId(model), el, root, bridge, {
    onMove: (home, host) => {
      forget();
      forget = watchKernel(host, home);
    },
    onEnd: () => {
      forget();
      rest();
    },
  });
}

/** The id of the widget's model; empty in a state that an older version has saved. */
const modelId = (model: Host) => String(model.get("_self_id") ?? "");

export default { render };
