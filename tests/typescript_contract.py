"""Write the TypeScript types of the contract from the Python types.

`python -m tests.typescript_contract` writes `js/src/contract.ts`.
"""

from __future__ import annotations

import inspect
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.table.columns import COLUMNS
from inductiva_widgets.widgets.table.query import GROUPS

FILE = Path(__file__).parents[1] / "js" / "src" / "contract.ts"
HEADER = """\
/**
 * Types of the JSON that the kernel sends: generated, do not edit.
 *
 * Written by `python -m tests.typescript_contract` from `inductiva_widgets/widgets/contract.py`.
 */
"""
SCALARS = {
    type(None): "null",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    Any: "unknown",
}
# Unions whose values belong to a module that imports the contract.
CHOICES = {"ColumnKey": tuple(COLUMNS), "GroupKey": GROUPS}


def typescript() -> str:
    """Return the text of ``contract.ts``."""
    own = {name: value for name, value in vars(contract).items() if _is_own(value)}
    return HEADER + "".join(f"\n{_declaration(name, value)}\n" for name, value in own.items())


def _is_own(value: Any) -> bool:
    if typing.is_typeddict(value):
        return not value.__name__.startswith("_")
    return _is_alias(value)


def _is_alias(value: object) -> bool:
    return get_origin(value) in {Annotated, Union, types.UnionType, list}


def _declaration(name: str, value: Any) -> str:
    if not typing.is_typeddict(value):
        choices = CHOICES.get(name)
        return f"export type {name} = {_literals(*choices) if choices else _expression(value)};"
    fields = "".join(
        f"  {field}{'' if field in value.__required_keys__ else '?'}: {_type(hint)};\n"
        for field, hint in typing.get_type_hints(value, include_extras=True).items()
    )
    return f"{_comment(value)}\nexport interface {name} {{\n{fields}}}"


def _comment(value: type) -> str:
    text = inspect.cleandoc(value.__doc__ or "").replace("``", "`").replace("None", "null")
    if "\n" not in text:
        return f"/** {text} */"
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in text.splitlines()) + " */"


ALIASES = {value: name for name, value in vars(contract).items() if _is_alias(value)}


def _type(hint: Any) -> str:
    if typing.is_typeddict(hint):
        return str(hint.__name__)
    return ALIASES.get(hint) or SCALARS.get(hint) or _expression(hint)


def _expression(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _literals(*arguments)
    if origin not in EXPRESSIONS:
        raise TypeError(f"Types of the contract must have a TypeScript counterpart, got {hint}.")
    # Of `Annotated`, the metadata is the type.
    parts = arguments[1:] if origin is Annotated else arguments
    return EXPRESSIONS[origin](*map(_type, parts))


def _literals(*values: str) -> str:
    return " | ".join(f'"{value}"' for value in values)


def _union(*parts: str) -> str:
    return " | ".join(parts)


def _array(item: str) -> str:
    return f"({item})[]" if "|" in item and not item.startswith("[") else f"{item}[]"


def _tuple(*items: str) -> str:
    return f"[{', '.join(items)}]"


def _record(key: str, value: str) -> str:
    record = f"Record<{key}, {value}>"
    # Not every key of a union needs to occur.
    return record if key == "string" else f"Partial<{record}>"


EXPRESSIONS = {
    Annotated: _union,
    Union: _union,
    types.UnionType: _union,
    list: _array,
    tuple: _tuple,
    dict: _record,
}


if __name__ == "__main__":
    FILE.write_text(typescript())
