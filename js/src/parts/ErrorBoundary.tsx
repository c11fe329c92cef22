/** Shows what broke instead of leaving an empty output. */
import { Component, type ComponentChildren } from "preact";
import { errorView } from "../bridge";
import type { ErrorView } from "../contract";
import { ErrorBox } from "./ErrorBox";

export class ErrorBoundary extends Component<
  { children?: ComponentChildren },
  { error: ErrorView | null }
> {
  override state: { error: ErrorView | null } = { error: null };

  override componentDidCatch(thrown: unknown): void {
    this.setState({ error: errorView(thrown) });
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <ErrorBox
        error={error}
        dismissLabel="Show again"
        onDismiss={() => this.setState({ error: null })}
      />
    );
  }
}
