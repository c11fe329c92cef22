/** Renders a component again only if one of its props has changed. */
import { type Component, type ComponentType, h } from "preact";

export function memo<P extends object>(Part: ComponentType<P>): ComponentType<P> {
  return function Memo(this: Component<P>, props: P) {
    this.shouldComponentUpdate = (next) => differ(this.props as P, next as P);
    return h(Part as ComponentType<object>, props);
  } as unknown as ComponentType<P>;
}

function differ<P extends object>(before: P, next: P): boolean {
  const keys = Object.keys(next) as (keyof P)[];
  return keys.some((key) => before[key] !== next[key]);
}
