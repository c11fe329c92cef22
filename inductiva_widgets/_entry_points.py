"""Entry points: objects by name, imported at the first use.

A module that needs an object of a package above its own loads an entry point: a task that shows
itself loads "task_view". Only `inductiva_widgets` registers them, as it knows all packages.
"""

from __future__ import annotations

# What type checkers take for typing.TYPE_CHECKING, without the import that it costs.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_references: dict[str, str] = {}


def register(**references: str) -> None:
    """Register objects without importing them.

    Parameters
    ----------
    **references
        Each object as ``"module:attribute"``, the notation of package metadata.
    """
    _references.update(references)


def load(name: str) -> Any:
    """Import and return the object with a name."""
    from importlib import import_module

    module, _, path = _references[name].partition(":")
    found: Any = import_module(module)
    for attribute in path.split("."):
        found = getattr(found, attribute)
    return found
