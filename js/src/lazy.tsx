/**
 * Panels that come when they are first opened: what the kernel must be asked for anyway need not
 * travel with every widget. The code is asked for once a page, whatever the number of widgets.
 *
 * `build.mjs` builds `panels/index.ts` on its own; what both bundles use stands in `shared.ts`.
 */
import type { ComponentType } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { type Bridge, errorView } from "./bridge";
import type { ErrorView } from "./contract";
import type * as Panels from "./panels";
import { ErrorBox } from "./parts/ErrorBox";
import { SLOW_AFTER, WAITING } from "./parts/pending";
import { BUILD, IS_BUNDLED, shared } from "./shared";

export type PanelName = Exclude<keyof typeof Panels, "css">;

interface Page {
  shared: typeof shared;
  panels: Promise<typeof Panels> | null;
  /** Set once loaded, so that a panel opened again is there at once. */
  loaded: typeof Panels | null;
}

// Each widget evaluates its own copy of the bundle, and versions may differ on one page.
function page(): Page {
  const registry = globalThis as unknown as Record<symbol, Page | undefined>;
  const key = Symbol.for(`inductiva_widgets.${BUILD}`);
  registry[key] ??= { shared, panels: null, loaded: null };
  return registry[key];
}

async function fetchPanels(bridge: Bridge): Promise<typeof Panels> {
  if (!IS_BUNDLED) return import("./panels");
  const { code } = await bridge.request("module", { name: "panels" });
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return await import(address);
  } finally {
    URL.revokeObjectURL(address);
  }
}

async function load(bridge: Bridge): Promise<typeof Panels> {
  const here = page();
  here.panels ??= fetchPanels(bridge);
  try {
    here.loaded = await here.panels;
    return here.loaded;
  } catch (thrown) {
    // Not kept: the view that asked may have gone, and the next one asks again.
    here.panels = null;
    throw thrown;
  }
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
  const [panels, setPanels] = useState(page().loaded);
  const [error, setError] = useState<ErrorView | null>(null);
  const [isSlow, setSlow] = useState(false);
  const [tries, setTries] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` asks again
  useLayoutEffect(() => {
    if (panels !== null) return undefined;
    let isGone = false;
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER);
    load(bridge).then(
      (loaded) => isGone || setPanels(loaded),
      (thrown) => isGone || setError(errorView(thrown)),
    );
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [bridge, panels, tries]);

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
    const again = () => {
      setError(null);
      setTries(tries + 1);
    };
    return <ErrorBox error={error} onDismiss={again} dismissLabel="Try again" />;
  }
  return (
    <div class="iw-empty" role="note">
      {isSlow ? WAITING : "Loading…"}
    </div>
  );
}
