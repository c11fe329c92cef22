"""Fixtures for the widgets."""

from tests.unit.widgets.watches import kernel

__all__ = ["kernel"]
