"""The figures of docs/figures.md: ratios measured side by side, never a timed assertion."""
