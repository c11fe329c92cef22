/** A model that answers as a kernel would, so that the real bundle can be looked at without one. */
import type { Host } from "../src/bridge";
import type { Requests, Results } from "../src/messages";

/** A file as the kernel sends it. */
async function packed(answer: Response): Promise<string> {
  const stream = (await answer.blob()).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

type Listener = (...args: unknown[]) => void;
export type Handlers = {
  [K in keyof Requests]?: (payload: Requests[K], model: GalleryModel) => Results[K];
};

export class GalleryModel implements Host {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #traits: Record<string, unknown>;
  readonly #handlers: Handlers;
  #isSilent = false;

  constructor(traits: object, handlers: Handlers = {}) {
    this.#traits = { ...traits };
    this.#handlers = handlers;
  }

  get(key: string): unknown {
    return this.#traits[key];
  }

  set(key: string, value: unknown): void {
    this.#traits[key] = value;
    this.#emit(`change:${key}`);
  }

  save_changes(): void {}

  /** Answers nothing any more, as a kernel that is gone. */
  silence(): void {
    this.#isSilent = true;
  }

  on(event: string, listener: Listener): void {
    const known = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, known.add(listener));
  }

  off(event: string, listener: Listener): void {
    this.#listeners.get(event)?.delete(listener);
  }

  send(content: unknown): void {
    const { id, kind, ...payload } = content as { id: string; kind: keyof Requests };
    const handler = this.#handlers[kind] as ((p: unknown, m: GalleryModel) => unknown) | undefined;
    if (kind === "module" && !this.#isSilent) {
      const { name } = payload as unknown as Requests["module"];
      fetch(new URL(`./${name}.js`, import.meta.url))
        .then((answer) => packed(answer))
        .then((gzip) => this.push({ id, ok: true, result: { gzip } }));
      return;
    }
    // Kinds without a handler are never answered, as by a kernel that runs a long cell.
    if (handler === undefined || this.#isSilent) return;
    setTimeout(() => {
      try {
        const result = handler(payload, this);
        if (result !== undefined) this.push({ id, ok: true, result });
      } catch (thrown) {
        const title = thrown instanceof Error ? thrown.message : String(thrown);
        const error = { title, detail: "The service answered 409.", report: `${kind}: ${title}` };
        this.push({ id, ok: false, error });
      }
    }, 40);
  }

  push(content: unknown): void {
    this.#emit("msg:custom", content, []);
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(...args);
  }
}
