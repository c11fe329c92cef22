"""The public names of the package: one list, walked from what the modules say themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import inductiva_widgets

PACKAGE = inductiva_widgets.__name__
MODULES = (
    PACKAGE,
    *(
        f"{PACKAGE}.{name}"
        for name in inductiva_widgets.__all__
        if name in inductiva_widgets._MODULES
    ),
    f"{PACKAGE}.widgets",
    # What public calls return, and what a status means.
    f"{PACKAGE}.http.client",
    f"{PACKAGE}.models.tasks",
    f"{PACKAGE}.status",
)


@dataclass(frozen=True)
class Name:
    """A public name, with the class that has it where it is a member."""

    path: str
    """As users write it, the module's part included."""
    module: str
    thing: Any
    owner: type | None = None

    @property
    def qualname(self) -> str:
        return self.path.removeprefix(f"{self.module}.")

    @property
    def function(self) -> Any:
        """The function behind a method or a function, None for all else."""
        thing = getattr(self.thing, "__func__", self.thing)
        return thing if inspect.isfunction(thing) else None

    @property
    def docstring(self) -> str:
        return inspect.cleandoc(self.thing.__doc__ or "")


@cache
def public_names() -> tuple[Name, ...]:
    """Return classes, functions, methods and properties; one that has two homes is there twice."""
    return tuple(name for module in MODULES for name in _of_module(module))


def documented() -> tuple[Name, ...]:
    """Return the same, each docstring once: by its first name."""
    seen: dict[int, Name] = {}
    for name in public_names():
        seen.setdefault(id(name.function or name.thing), name)
    return tuple(seen.values())


def _of_module(module: str) -> Iterator[Name]:
    room = import_module(module)
    for key in room.__all__:
        thing = getattr(room, key)
        if inspect.ismodule(thing) or isinstance(thing, str):
            continue
        path = f"{module}.{key}"
        yield Name(path, module, thing)
        if inspect.isclass(thing):
            yield from _of_class(path, module, thing)


def _of_class(path: str, module: str, owner: type) -> Iterator[Name]:
    for key in dir(owner):
        if key.startswith("_"):
            continue
        home = next(base for base in owner.__mro__ if key in vars(base))
        thing = vars(home)[key]
        # Fields are the parameters of their class, and other values belong to its docstring.
        is_member = isinstance(thing, (property, classmethod)) or inspect.isfunction(thing)
        # A field's default may be a function.
        is_field = key in getattr(owner, "__dataclass_fields__", ())
        if home.__module__.startswith(PACKAGE) and is_member and not is_field:
            yield Name(f"{path}.{key}", module, thing, owner)
