/** No test may reach the network, nor leave a timer or a subscription behind. */
import { render } from "preact";
import { afterEach, beforeEach, expect, vi } from "vitest";
import * as list from "../src/list";
import * as panels from "../src/panels";

// The chunks are loaded, as on a page that has opened them before.
(globalThis as unknown as Record<symbol, unknown>)[Symbol.for("inductiva_widgets.")] = {
  requested: {},
  loaded: { list, panels },
};

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-02-01T17:16:17.250Z") });
  const refuse = () => {
    throw new Error("the network was used");
  };
  vi.stubGlobal("fetch", refuse);
  vi.stubGlobal(
    "XMLHttpRequest",
    class {
      constructor() {
        refuse();
      }
    },
  );
});

afterEach(() => {
  render(null, document.body);
  document.body.replaceChildren();
  // What remains after a tick of Preact's own queue is a leak.
  vi.advanceTimersByTime(100);
  expect(vi.getTimerCount(), "timers left over").toBe(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
