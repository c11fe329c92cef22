/**
 * The `_esm` of every widget: loads the code that all widgets share, once a page, and draws with it.
 *
 * It is this small because anywidget gives a model 2 s from its creation to the end of this import,
 * and refuses every later message to a model that needed longer
 * (https://github.com/manzt/anywidget/blob/main/packages/anywidget/src/runtime.ts). Nothing is loaded
 * in that time: `render` has no limit. The code is in a separate model, which a host receives before
 * any widget that refers to it, so that a busy kernel needs no request. If a host cannot provide that
 * model, the kernel is asked.
 */
import type { Host } from "./bridge";
import { BUILD } from "./build_id";
import { importGzip } from "./import_gzip";

interface RenderProps {
  model: Host;
  el: HTMLElement;
  signal?: AbortSignal;
}

interface MainBundle {
  default: { render(props: RenderProps): () => void };
  css: string;
}

interface PageRegistry {
  bundle?: MainBundle;
  loading?: Promise<MainBundle> | undefined;
}

/** A host returns a model that it has within this time. */
const MODEL_TIMEOUT_MS = 5_000;
/** A message is shown after this time. */
const SLOW_AFTER_MS = 3_000;
const MAX_PAUSE_MS = 60_000;

function pageRegistry(): PageRegistry {
  const registry = globalThis as unknown as Record<symbol, PageRegistry | undefined>;
  const key = Symbol.for(`inductiva_widgets.${BUILD}`);
  registry[key] ??= {};
  return registry[key];
}

function withTimeout<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("There was no answer in time.")), ms);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

async function fromAssets(model: Host): Promise<string> {
  const assets = await model.widget_manager?.get_model(String(model.get("_assets_id")));
  const code = assets?.get("code");
  if (typeof code !== "string") throw new Error("The page has no model with the code.");
  return code;
}

async function fromKernel(model: Host, isOver: AbortSignal): Promise<string> {
  const id = Math.random().toString(36).slice(2);
  return new Promise((resolve, reject) => {
    const stop = () => {
      model.off("msg:custom", receive);
      isOver.removeEventListener("abort", stop);
      reject(new Error("The view was closed."));
    };
    const receive = (reply: { id?: unknown; ok?: unknown; result?: { gzip: string } }) => {
      if (reply?.id !== id) return;
      if (reply.ok === true && reply.result !== undefined) resolve(reply.result.gzip);
      stop();
    };
    model.on("msg:custom", receive);
    isOver.addEventListener("abort", stop);
    model.send({ id, kind: "module", name: "widget" });
  });
}

async function fetchBundle(model: Host, isOver: AbortSignal): Promise<MainBundle> {
  const code = await withTimeout(MODEL_TIMEOUT_MS, fromAssets(model)).catch(() =>
    withTimeout(MAX_PAUSE_MS, fromKernel(model, isOver)),
  );
  return (await importGzip(code)) as MainBundle;
}

/** Tries until it succeeds, or until the view is over. */
async function load(model: Host, isOver: AbortSignal): Promise<MainBundle> {
  const here = pageRegistry();
  for (let pause = 1_000; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    if (here.bundle !== undefined) return here.bundle;
    here.loading ??= fetchBundle(model, isOver);
    const { loading } = here;
    try {
      here.bundle = await loading;
      return here.bundle;
    } catch (thrown) {
      if (here.loading === loading) here.loading = undefined;
      if (isOver.aborted) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (isOver.aborted) throw thrown;
    }
  }
}

function draw({ default: widget, css }: MainBundle, props: RenderProps): () => void {
  const style = props.el.ownerDocument.createElement("style");
  style.textContent = css;
  props.el.append(style);
  const erase = widget.render(props);
  return () => {
    erase();
    style.remove();
  };
}

function render(props: RenderProps): () => void {
  const { el, model, signal } = props;
  if (signal?.aborted) return () => undefined;
  const { bundle } = pageRegistry();
  if (bundle !== undefined) return draw(bundle, props);

  const over = new AbortController();
  const words = el.ownerDocument.createElement("div");
  words.setAttribute("role", "note");
  el.append(words);
  const slow = setTimeout(() => {
    words.textContent =
      "The code of this view has not arrived. The kernel is asked again and again; if a cell is " +
      "running, it may answer when that ends. If the kernel was restarted, run this cell again.";
  }, SLOW_AFTER_MS);
  let erase: () => void = () => undefined;
  const cleanup = () => {
    over.abort();
    clearTimeout(slow);
    words.remove();
    erase();
    erase = () => undefined;
  };
  signal?.addEventListener("abort", cleanup, { once: true });
  load(model, over.signal).then(
    (loaded) => {
      if (over.signal.aborted) return;
      clearTimeout(slow);
      words.remove();
      erase = draw(loaded, props);
    },
    // Only if the view is over.
    () => undefined,
  );
  return cleanup;
}

export default { render };
