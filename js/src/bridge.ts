/**
 * Connection of a view to its kernel: traits, and requests by messages with an id.
 *
 * Uses only the methods that every host has: get, set, save_changes, on, off and send. Requests have
 * no time limit: a kernel may run a cell for an hour.
 */
import { useLayoutEffect, useState } from "preact/hooks";
import type { ErrorView, PollStatusView } from "./contract";
import type { Push, Reply, RequestKind, Requests, Results } from "./messages";

// biome-ignore lint/suspicious/noExplicitAny: the host hands over whatever the event carries
type Listener = (...args: any[]) => void;

/** What we ask of a host's model. */
export interface Host {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
  save_changes(): void;
  on(event: string, listener: Listener): void;
  off(event: string, listener: Listener): void;
  send(content: unknown): void;
  /** Access to other models; most hosts have it. */
  widget_manager?: { get_model(id: string): Promise<{ get(key: string): unknown }> };
}

/** A request that was refused, could not be sent, or lost its view. */
export class RequestError extends Error {
  readonly view: ErrorView;
  constructor(view: ErrorView) {
    super(view.title);
    this.name = "RequestError";
    this.view = view;
  }
}

/** Message of a thrown value. */
export function errorView(thrown: unknown): ErrorView {
  if (thrown instanceof RequestError) return thrown.view;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return { title: "Something went wrong in the page.", detail: text, report: text };
}

interface PendingReply {
  resolve(result: unknown): void;
  reject(error: RequestError): void;
}

const CLOSED: ErrorView = {
  title: "The view was closed.",
  detail: "The answer of the kernel is no longer waited for.",
  report: "The view was closed before the kernel answered.",
};

const LOST: ErrorView = {
  title: "The kernel has gone.",
  detail: "It was restarted or shut down. Run the cell again for a live view.",
  report: "The kernel was restarted or shut down before it answered.",
};

/** One view's connection to its model. */
export class Bridge {
  #host: Host;
  // All views and pages on the same kernel receive the same replies.
  readonly #prefix = Math.random().toString(36).slice(2);
  readonly #waiting = new Map<string, PendingReply>();
  readonly #pushes = new Set<(push: Push) => void>();
  readonly #listeners: [string, Listener][] = [];
  readonly #losses = new Set<() => void>();
  #count = 0;
  #isDisposed = false;
  #isLost = false;

  constructor(host: Host) {
    this.#host = host;
    this.#listen("msg:custom", (content: unknown) => this.#receive(content));
  }

  get<T>(key: string): T {
    return this.#host.get(key) as T;
  }

  /** Sets a trait that is the page's to set. */
  set(key: string, value: unknown): void {
    this.#host.set(key, value);
    this.#host.save_changes();
  }

  /** Calls `listener` when a trait changes, until the returned function is called. */
  onChange(key: string, listener: () => void): () => void {
    return this.#listen(`change:${key}`, () => listener());
  }

  /** Calls `listener` with what the kernel sends unasked, until the returned function is called. */
  onMessage(listener: (push: Push) => void): () => void {
    this.#pushes.add(listener);
    return () => this.#pushes.delete(listener);
  }

  request<K extends RequestKind>(kind: K, payload: Requests[K]): Promise<Results[K]> {
    if (this.#isDisposed) return Promise.reject(new RequestError(CLOSED));
    if (this.#isLost) return Promise.reject(new RequestError(LOST));
    this.#count += 1;
    const id = `${this.#prefix}-${this.#count}`;
    return new Promise<Results[K]>((resolve, reject) => {
      this.#waiting.set(id, { resolve: (result) => resolve(result as Results[K]), reject });
      try {
        this.#host.send({ id, kind, ...payload });
      } catch (thrown) {
        this.#waiting.delete(id);
        const detail = thrown instanceof Error ? thrown.message : String(thrown);
        reject(
          new RequestError({ title: "The kernel cannot be reached.", detail, report: detail }),
        );
      }
    });
  }

  /** Switches to another host of the same model, after the view was rendered again. */
  moveTo(host: Host): void {
    for (const [event, listener] of this.#listeners) {
      this.#host.off(event, listener);
      host.on(event, listener);
    }
    this.#host = host;
  }

  /** Whether the kernel has gone and sends no more replies. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Ends all requests, and refuses new ones. */
  markLost(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#reject(LOST);
    for (const listener of [...this.#losses]) listener();
  }

  /** Calls `listener` when the kernel goes, until the returned function is called. */
  onLost(listener: () => void): () => void {
    this.#losses.add(listener);
    return () => this.#losses.delete(listener);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const [event, listener] of this.#listeners.splice(0)) this.#host.off(event, listener);
    this.#pushes.clear();
    this.#losses.clear();
    this.#reject(CLOSED);
  }

  #reject(error: ErrorView): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new RequestError(error));
  }

  #listen(event: string, listener: Listener): () => void {
    const entry: [string, Listener] = [event, listener];
    this.#listeners.push(entry);
    this.#host.on(event, listener);
    return () => {
      const index = this.#listeners.indexOf(entry);
      if (index === -1) return;
      this.#listeners.splice(index, 1);
      this.#host.off(event, listener);
    };
  }

  #receive(content: unknown): void {
    if (typeof content !== "object" || content === null) return;
    if ("push" in content) {
      for (const listener of [...this.#pushes]) listener(content as Push);
      return;
    }
    const reply = content as Reply;
    const waiting = this.#waiting.get(reply.id);
    // Someone else's reply, or a second one: each request settles once.
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if (reply.ok) waiting.resolve(reply.result);
    else waiting.reject(new RequestError(reply.error));
  }
}

/** The value of a trait; renders again when it changes. */
export function useTrait<T>(bridge: Bridge, key: string): T {
  const [, setCount] = useState(0);
  // In the layout phase, so that no change slips between the first render and the subscription.
  useLayoutEffect(() => bridge.onChange(key, () => setCount((n) => n + 1)), [bridge, key]);
  return bridge.get<T>(key);
}

/** Whether the kernel has gone; renders again when it goes. */
export function useKernelLost(bridge: Bridge): boolean {
  const [isLost, setLost] = useState(bridge.isLost);
  useLayoutEffect(() => {
    setLost(bridge.isLost);
    return bridge.onLost(() => setLost(true));
  }, [bridge]);
  return isLost;
}

export function useMessage(bridge: Bridge, listener: (push: Push) => void): void {
  useLayoutEffect(() => bridge.onMessage(listener), [bridge, listener]);
}

/** The `poll_status` trait, and the clock that its arrivals have shown (see `clockOffset`). */
export function usePollStatus(bridge: Bridge): { pollStatus: PollStatusView; seen: number | null } {
  const [seen, setSeen] = useState<number | null>(null);
  const pollStatus = useTrait<PollStatusView>(bridge, "poll_status");
  useLayoutEffect(
    () =>
      bridge.onChange("poll_status", () => {
        const { updated } = bridge.get<PollStatusView>("poll_status");
        if (updated === null) return;
        const now = updated - Date.now();
        setSeen((before) => (before === null ? now : Math.max(before, now)));
      }),
    [bridge],
  );
  return { pollStatus, seen };
}
