/** A host that offers what every host does, and nothing else. */
import { render } from "preact";
import { act } from "preact/test-utils";
import { vi } from "vitest";
import type { Host } from "../src/bridge";
import type { ErrorView, PollStatusView, TaskView } from "../src/contract";
import widget from "../src/index";

type Listener = (...args: unknown[]) => void;
type Sent = { id: string; kind: string; [key: string]: unknown };

export class FakeHost implements Host {
  readonly sent: Sent[] = [];
  /** What the views said of being in sight, apart from what people asked for. */
  readonly sightings: Sent[] = [];
  readonly #listeners: [string, Listener][] = [];
  readonly #traits: Record<string, unknown>;

  constructor(traits: object) {
    this.#traits = { ...traits };
  }

  get(key: string): unknown {
    return this.#traits[key];
  }
  set(key: string, value: unknown): void {
    this.#traits[key] = value;
    for (const listener of this.#of(`change:${key}`)) listener();
  }
  save_changes(): void {}
  on(event: string, listener: Listener): void {
    this.#listeners.push([event, listener]);
  }
  off(event: string, listener: Listener): void {
    const index = this.#listeners.findIndex(([name, fn]) => name === event && fn === listener);
    if (index !== -1) this.#listeners.splice(index, 1);
  }
  send(content: unknown): void {
    const message = content as Sent;
    (message.kind === "visible" ? this.sightings : this.sent).push(message);
  }

  // The other side, for tests.
  get listeners(): number {
    return this.#listeners.length;
  }
  emit(event: string): void {
    for (const listener of this.#of(event)) listener();
  }
  message(content: unknown): void {
    for (const listener of this.#of("msg:custom")) listener(content, []);
  }
  requests(kind: string): Sent[] {
    return this.sent.filter((message) => message.kind === kind);
  }
  /** Answers the last request of a kind, as the kernel would. */
  async reply(kind: string, result: unknown): Promise<void> {
    const request = this.requests(kind).at(-1);
    if (request === undefined) throw new Error(`nobody asked for ${kind}`);
    await act(async () => this.message({ id: request.id, ok: true, result }));
  }
  async refuse(kind: string, error: ErrorView): Promise<void> {
    const request = this.requests(kind).at(-1);
    if (request === undefined) throw new Error(`nobody asked for ${kind}`);
    await act(async () => this.message({ id: request.id, ok: false, error }));
  }
  #of(event: string): Listener[] {
    return this.#listeners.flatMap(([name, listener]) => (name === event ? [listener] : []));
  }
}

export const NOW = Date.parse("2026-02-01T17:16:17Z");

export const feed = (part: Partial<PollStatusView> = {}): PollStatusView => ({
  updated: NOW,
  offline_since: null,
  error: null,
  problem: null,
  notice: null,
  is_final: false,
  skew: 0,
  is_paused: false,
  ...part,
});

export const task = (part: Partial<TaskView> = {}): TaskView => ({
  id: "bgnu9i6st2qk9ocghu6w81v5t",
  status: "computation-started",
  alias: "In Progress",
  status_group: "run",
  is_terminal: false,
  can_kill: true,
  simulator: "reef3d",
  submitted: NOW - 343_000,
  started: NOW - 293_000,
  computation: { seconds: null, since: NOW - 277_000 },
  machine_type: "c2d-standard-16",
  cost_usd: 0.31,
  cost_rate: null,
  marks: [NOW - 343_000, NOW - 293_000, NOW - 277_000, null, null],
  project: "dam-break",
  queue_ahead: null,
  meaning: "The simulator is running.",
  commands: [],
  failure: null,
  has_outputs: false,
  output_files: null,
  output_bytes: null,
  metric: null,
  console_url: null,
  ...part,
});

export const done = (part: Partial<TaskView> = {}): TaskView =>
  task({
    status: "success",
    alias: "Success",
    status_group: "ok",
    is_terminal: true,
    can_kill: false,
    computation: { seconds: 10.2, since: null },
    marks: [null, null, NOW - 10_200, null, NOW],
    has_outputs: true,
    output_files: 2,
    ...part,
  });

export const oops: ErrorView = { title: "It was refused.", detail: "409", report: "kill: 409" };

/** Renders the widget as a host does. */
export async function show(
  host: FakeHost,
  el: HTMLElement = document.body.appendChild(document.createElement("div")),
  signal?: AbortSignal,
): Promise<{ el: HTMLElement; cleanup: () => void }> {
  let cleanup = () => {};
  await act(async () => {
    cleanup = widget.render(
      signal === undefined ? { model: host, el } : { model: host, el, signal },
    );
  });
  cleanups.push(() => {
    cleanup();
    el.remove();
  });
  return { el, cleanup };
}

const cleanups: (() => void)[] = [];
export function closeAll(): void {
  for (const cleanup of cleanups.splice(0)) cleanup();
}

/** Draws one part into the page. */
export async function draw(node: Parameters<typeof render>[0]): Promise<HTMLElement> {
  await act(async () => render(node, document.body));
  return document.body;
}

/** Elements of a role, by the name that assistive technology would say. */
export function byRole(el: Element, role: string, name?: string | RegExp): HTMLElement[] {
  const tags: Record<string, string> = {
    button: "button:not([role])",
    checkbox: "input[type=checkbox]",
    searchbox: "input[type=search]",
    region: "section[aria-label]",
    link: "a[href]",
  };
  const found = el.querySelectorAll<HTMLElement>(
    `[role=${role}]${tags[role] ? `,${tags[role]}` : ""}`,
  );
  return [...found].filter((node) => {
    if (name === undefined) return true;
    const said = (node.getAttribute("aria-label") ?? node.textContent ?? "").trim();
    return typeof name === "string" ? said === name : name.test(said);
  });
}

export function one(el: Element, role: string, name?: string | RegExp): HTMLElement {
  const found = byRole(el, role, name);
  if (found.length !== 1) throw new Error(`${found.length} of ${role} ${name} in ${el.innerHTML}`);
  return found[0] as HTMLElement;
}

export async function click(node: Element, more: MouseEventInit = {}): Promise<void> {
  await act(async () => {
    node.dispatchEvent(
      new MouseEvent("click", { bubbles: true, composed: true, cancelable: true, ...more }),
    );
  });
}

export async function press(
  node: Element,
  key: string,
  more: KeyboardEventInit = {},
): Promise<void> {
  await act(async () => {
    node.dispatchEvent(
      new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }),
    );
  });
}

/** Lets time pass. */
/** Whether the page's clock runs. */
export function isTicking(): boolean {
  const page = globalThis as unknown as Record<symbol, { timer: unknown } | undefined>;
  return (page[Symbol.for("inductiva_widgets.ticker.1")]?.timer ?? null) !== null;
}

export async function later(ms: number): Promise<void> {
  await act(async () => {
    vi.advanceTimersByTime(ms);
  });
}
