"""What pdoc is told, so that its pages show the public names as their users know them."""

from __future__ import annotations

import inspect
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import pdoc
import pdoc.doc_ast
import traitlets

import inductiva_widgets
from tests.unit.docs.public_names import MODULES, PACKAGE, public_names

SOURCE = f"https://github.com/inductiva/{PACKAGE}/blob/main/{PACKAGE}/"
# What pdoc says and we cannot mend.
NOT_OURS = (
    # Before Python 3.12 a TypedDict does not tell its bases.
    r"Cannot determine where .*Options\.\w+ is taken from",
    # The constructor of a NamedTuple lives in a module of its own.
    r"Error parsing type annotation .* for .*StatusInfo\.__init__",
)

Home = tuple[str, str]
# Classes that are documented, by where they are written: the module and name to find them under.
_homes: dict[Home, Home] = {}


def build(folder: Path) -> None:
    """Write a page for every public module into a folder, with all that its ``__all__`` names."""
    for name in MODULES:
        module = import_module(name)
        # pdoc does not know of names that a module gives when they are asked for.
        vars(module).update({key: getattr(module, key) for key in module.__all__})
    for name in public_names():
        if name.owner is None and inspect.isclass(name.thing):
            home = name.thing.__module__, name.thing.__qualname__
            _homes.setdefault(home, (name.module, name.qualname))
            _hide_private_arguments(name.thing.__init__)
            _hide_docstring_of_another(name.thing)
        _hide_private_arguments(name.function)
    pdoc.doc.Class.own_members = property(_own_members)
    pdoc.doc.Class.inherited_members = property(_inherited_members)
    pdoc.doc.Module.own_members = property(_in_order)
    pdoc.render.configure(
        docformat="numpy",
        # Fields stand in the docstring of their class.
        include_undocumented=False,
        show_source=False,
        edit_url_map={PACKAGE: SOURCE},
        footer_text=f"{PACKAGE} {inductiva_widgets.__version__}",
        template_directory=Path(__file__).parent,
    )
    pdoc.render.env.globals.update(package=PACKAGE, public_base=_public_base, is_shown=_is_shown)
    # The package brings along the modules that it names, and the module `frames.compare` is hidden
    # by a function of that name.
    named = {PACKAGE, *(f"{PACKAGE}.{name}" for name in inductiva_widgets.__all__)}
    others = [name for name in MODULES if name not in named]
    with warnings.catch_warnings():
        for text in NOT_OURS:
            warnings.filterwarnings("ignore", text)
        pdoc.pdoc(PACKAGE, f"!{PACKAGE}.frames.compare", *others, output_directory=folder)


# pdoc shows what a class inherits only where the base is documented itself. Most of our bases are
# not: they are the parts of a long class, which is no business of its readers.


def _own_members(cls: Any) -> list[Any]:
    return [member for member, home in _members(cls) if home not in _homes]


def _inherited_members(cls: Any) -> dict[Home, list[Any]]:
    found: dict[Home, list[Any]] = {}
    for member, home in _members(cls):
        if home in _homes:
            found.setdefault(_homes[home], []).append(member)
    return found


def _members(cls: Any) -> list[tuple[Any, Home | None]]:
    """Return the members that are ours, each with the class that it is inherited from, if any."""
    found = []
    for member in cls.members.values():
        module, qualname = member.taken_from
        home = module, qualname.rpartition(".")[0]
        is_own = home == (cls.obj.__module__, cls.obj.__qualname__)
        if module.startswith(PACKAGE) and not _is_detail(cls, member):
            found.append((member, None if is_own else home))
    return found


def _is_detail(cls: Any, member: Any) -> bool:
    """Return whether a value only fills in what a base declares, or is a trait for the page."""
    value = inspect.getattr_static(cls.obj, member.name, None)
    if member.kind != "variable" or isinstance(value, property):
        return False
    is_declared_here = member.name in pdoc.doc_ast.walk_tree(cls.obj).var_docstrings
    return isinstance(value, traitlets.TraitType) or not is_declared_here


def _is_shown(member: Any, modules: Any) -> bool:
    """Return whether a member has a place on the page of its class; all that is no member has."""
    owner = modules[member.modulename].get(member.qualname.rpartition(".")[0])
    return owner is None or any(member is one for one, _ in _members(owner))


def _public_base(cls: Any) -> Home | None:
    """Return the nearest class that a class is made from and that is documented."""
    bases = ((base.__module__, base.__qualname__) for base in cls.obj.__mro__[1:])
    return next((_homes[base] for base in bases if base in _homes), None)


def _in_order(module: Any) -> list[Any]:
    """Return functions first and widgets last; else as ``__all__`` has them."""
    members = [member for member in module.members.values() if member.kind != "module"]
    return sorted(members, key=lambda one: (one.kind != "function", one.name.endswith("Widget")))


def _hide_docstring_of_another(kind: type) -> None:
    """Keep a constructor that our class describes from showing the words of a foreign base.

    An empty docstring would not do: pdoc then looks for one in the bases.
    """
    constructor = vars(kind).get("__init__")
    if inspect.isfunction(constructor) and constructor.__doc__ is None:
        constructor.__doc__ = "<!-- see the class -->"


def _hide_private_arguments(function: Any) -> None:
    if not inspect.isfunction(function):
        return
    signature = inspect.signature(function)
    public = [one for key, one in signature.parameters.items() if not key.startswith("_")]
    if len(public) < len(signature.parameters):
        function.__signature__ = signature.replace(parameters=public)
