/** Tabs that collapse: a click on the open tab closes its panel. */
import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";

export interface Tab {
  key: string;
  title: string;
  count?: string;
  render: () => ComponentChildren;
}

interface Props {
  tabs: Tab[];
  open: string | null;
  onOpen: (key: string | null) => void;
  label: string;
  children?: ComponentChildren;
}

export function Tabs({ tabs, open, onOpen, label, children }: Props) {
  const id = useId();
  const buttons = useRef<(HTMLButtonElement | null)[]>([]);
  const chosen = tabs.findIndex((tab) => tab.key === open);

  function move(event: KeyboardEvent, index: number) {
    const steps: Record<string, number> = {
      ArrowRight: (index + 1) % tabs.length,
      ArrowLeft: (index + tabs.length - 1) % tabs.length,
      Home: 0,
      End: tabs.length - 1,
    };
    const next = steps[event.key];
    const tab = next === undefined ? undefined : tabs[next];
    if (next === undefined || tab === undefined) return;
    event.preventDefault();
    buttons.current[next]?.focus();
    // Opening may ask the kernel, so moving along closed tabs only moves.
    if (open !== null) onOpen(tab.key);
  }

  return (
    <>
      <div class={chosen === -1 ? "iw-tabs iw-collapsed" : "iw-tabs"}>
        <div class="iw-tablist" role="tablist" aria-label={label}>
          {tabs.map((tab, index) => (
            <button
              type="button"
              role="tab"
              key={tab.key}
              id={`${id}-tab-${tab.key}`}
              class="iw-tab"
              aria-selected={index === chosen}
              aria-controls={index === chosen ? `${id}-panel` : undefined}
              tabIndex={index === Math.max(0, chosen) ? 0 : -1}
              ref={(node) => {
                buttons.current[index] = node;
              }}
              onClick={() => onOpen(index === chosen ? null : tab.key)}
              onKeyDown={(event) => move(event, index)}
            >
              {tab.title}
              {tab.count === undefined ? null : <span class="iw-tab-count"> {tab.count}</span>}
            </button>
          ))}
        </div>
        <span class="iw-grow" />
        {children}
      </div>
      {chosen === -1 ? null : (
        <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-tab-${open}`}>
          {tabs[chosen]?.render()}
        </div>
      )}
    </>
  );
}
