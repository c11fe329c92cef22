"""Figures of the README, each a ratio measured side by side in one run; never a timed assertion."""
