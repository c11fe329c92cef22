"""Fixtures for the widgets."""

from tests.unit.widgets.fake_watches import kernel

__all__ = ["kernel"]
