"""Tasks as pandas DataFrames: one schema, and what is made of them."""

# For its effect: it gives every DataFrame its ``df.inductiva``.
from inductiva_widgets.frames import accessor as _accessor  # noqa: F401
from inductiva_widgets.frames.build import to_frame
from inductiva_widgets.frames.export import read

__all__ = ["read", "to_frame"]
