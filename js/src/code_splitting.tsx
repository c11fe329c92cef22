/**
 * Loads the chunks: `list` as soon as a table is drawn, `panels` when the first panel is opened.
 *
 * Each is requested from the kernel once per page, whatever the number of widgets. `build.mjs` builds
 * them, without the modules that the main bundle contains already.
 */
import type { ComponentType } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { type Bridge, errorView } from "./bridge";
import { BUILD, IS_BUNDLED } from "./build_id";
import type { ErrorView } from "./contract";
import { importGzip } from "./import_gzip";
import type * as List from "./list";
import type * as Panels from "./panels";
import { ErrorBox } from "./parts/ErrorBox";
import { SLOW_AFTER_MS, WAITING_FOR_KERNEL } from "./parts/useRequest";

interface Chunks {
  list: typeof List;
  panels: typeof Panels;
}
type ChunkName = keyof Chunks;
export type PanelName = Exclude<keyof typeof Panels, "css">;

interface ChunkRegistry {
  requested: { [M in ChunkName]?: Promise<Chunks[M]> };
  /** Set once loaded: a panel that is opened again is drawn without a pause. */
  loaded: Partial<Chunks>;
}

// Versions may differ on one page.
function chunkRegistry(): ChunkRegistry {
  const registry = globalThis as unknown as Record<symbol, ChunkRegistry | undefined>;
  const key = Symbol.for(`inductiva_widgets.${BUILD}`);
  // Created by the banner of the main bundle, see `build.mjs`.
  registry[key] ??= {} as ChunkRegistry;
  const here = registry[key];
  here.requested ??= {};
  here.loaded ??= {};
  return here;
}

async function fetchChunk(bridge: Bridge, name: ChunkName): Promise<unknown> {
  if (!IS_BUNDLED) return name === "list" ? import("./list") : import("./panels");
  const { gzip } = await bridge.request("module", { name });
  return importGzip(gzip);
}

async function load<M extends ChunkName>(bridge: Bridge, name: M): Promise<Chunks[M]> {
  const here = chunkRegistry();
  here.requested[name] ??= fetchChunk(bridge, name) as (typeof here.requested)[M];
  try {
    const loaded = (await here.requested[name]) as Chunks[M];
    here.loaded[name] = loaded;
    return loaded;
  } catch (thrown) {
    // Not cached: the requesting view may have been closed, and the next one requests again.
    delete here.requested[name];
    throw thrown;
  }
}

/** Returns a chunk, or null until it is loaded. */
export function useChunk<M extends ChunkName>(bridge: Bridge, name: M) {
  const [chunk, setChunk] = useState<Chunks[M] | null>(chunkRegistry().loaded[name] ?? null);
  const [error, setError] = useState<ErrorView | null>(null);
  const [tries, setTries] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` requests again
  useLayoutEffect(() => {
    if (chunk !== null) return undefined;
    let isGone = false;
    load(bridge, name).then(
      // As a function: useState would call a chunk that is one.
      (loaded) => isGone || setChunk(() => loaded),
      (thrown) => isGone || setError(errorView(thrown)),
    );
    return () => {
      isGone = true;
    };
  }, [bridge, name, chunk, tries]);
  const again = () => {
    setError(null);
    setTries(tries + 1);
  };
  return { chunk, error, again };
}

/** Draws a panel, or a placeholder until its chunk is loaded. */
export function LazyPanel<K extends PanelName>({
  bridge,
  name,
  props,
}: {
  bridge: Bridge;
  name: K;
  props: Parameters<(typeof Panels)[K]>[0];
}) {
  const { chunk: panels, error, again } = useChunk(bridge, "panels");
  const [isSlow, setSlow] = useState(false);
  const isWaiting = panels === null;
  useLayoutEffect(() => {
    if (!isWaiting) return undefined;
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, [isWaiting]);

  if (panels !== null) {
    const Panel = panels[name] as ComponentType<typeof props>;
    return (
      <>
        <style>{panels.css}</style>
        <Panel {...props} />
      </>
    );
  }
  if (error !== null) {
    return <ErrorBox error={error} onDismiss={again} dismissLabel="Try again" />;
  }
  return (
    <div class="iw-empty" role="note">
      {isSlow ? WAITING_FOR_KERNEL : "Loading…"}
    </div>
  );
}
