/**
 * Code that comes later than the widget: `panels` when the first of them is opened, `list` as soon
 * as a list is painted. What the kernel must be asked for anyway need not travel with every widget.
 * The code is asked for once a page, whatever the number of widgets.
 *
 * `build.mjs` builds each on its own; what they use of the main bundle stands in `shared.ts`.
 */
import type { ComponentType } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { type Bridge, errorView } from "./bridge";
import { BUILD } from "./build";
import type { ErrorView } from "./contract";
import { importGzip } from "./gzip";
import type * as List from "./list";
import type * as Panels from "./panels";
import { ErrorBox } from "./parts/ErrorBox";
import { SLOW_AFTER, WAITING } from "./parts/pending";
import { IS_BUNDLED, shared } from "./shared";

interface Modules {
  list: typeof List;
  panels: typeof Panels;
}
type ModuleName = keyof Modules;
export type PanelName = Exclude<keyof typeof Panels, "css">;

interface Page {
  shared: ReturnType<typeof shared>;
  asked: { [M in ModuleName]?: Promise<Modules[M]> };
  /** Set once loaded, so that what is opened again is there at once. */
  loaded: Partial<Modules>;
}

// Versions may differ on one page.
function page(): Page {
  const registry = globalThis as unknown as Record<symbol, Page | undefined>;
  const key = Symbol.for(`inductiva_widgets.${BUILD}`);
  // Made by the bundle itself, see `build.mjs`.
  registry[key] ??= {} as Page;
  const here = registry[key];
  here.shared ??= shared();
  here.asked ??= {};
  here.loaded ??= {};
  return here;
}

async function fetchModule(bridge: Bridge, name: ModuleName): Promise<unknown> {
  if (!IS_BUNDLED) return name === "list" ? import("./list") : import("./panels");
  const { gzip } = await bridge.request("module", { name });
  return importGzip(gzip);
}

async function load<M extends ModuleName>(bridge: Bridge, name: M): Promise<Modules[M]> {
  const here = page();
  here.asked[name] ??= fetchModule(bridge, name) as (typeof here.asked)[M];
  try {
    const loaded = (await here.asked[name]) as Modules[M];
    here.loaded[name] = loaded;
    return loaded;
  } catch (thrown) {
    // Not kept: the view that asked may have gone, and the next one asks again.
    delete here.asked[name];
    throw thrown;
  }
}

/** A module, null until it is there. */
export function useModule<M extends ModuleName>(bridge: Bridge, name: M) {
  const [module, setModule] = useState<Modules[M] | null>(page().loaded[name] ?? null);
  const [error, setError] = useState<ErrorView | null>(null);
  const [tries, setTries] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` asks again
  useLayoutEffect(() => {
    if (module !== null) return undefined;
    let isGone = false;
    load(bridge, name).then(
      // A function would be taken for one that makes the state.
      (loaded) => isGone || setModule(() => loaded),
      (thrown) => isGone || setError(errorView(thrown)),
    );
    return () => {
      isGone = true;
    };
  }, [bridge, name, module, tries]);
  const again = () => {
    setError(null);
    setTries(tries + 1);
  };
  return { module, error, again };
}

/** Draws a panel, or what it waits for. */
export function Lazy<K extends PanelName>({
  bridge,
  name,
  props,
}: {
  bridge: Bridge;
  name: K;
  props: Parameters<(typeof Panels)[K]>[0];
}) {
  const { module: panels, error, again } = useModule(bridge, "panels");
  const [isSlow, setSlow] = useState(false);
  const isWaiting = panels === null;
  useLayoutEffect(() => {
    if (!isWaiting) return undefined;
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER);
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
      {isSlow ? WAITING : "Loading…"}
    </div>
  );
}
