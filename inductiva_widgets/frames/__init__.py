"""Tasks as pandas DataFrames: one schema, and what is made of them."""

from inductiva_widgets.frames.build import to_frame

__all__ = ["to_frame"]
