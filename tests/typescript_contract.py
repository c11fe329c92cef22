"""Write the TypeScript types of the contract from the Python types and the table of columns.

`python -m tests.typescript_contract` writes `js/src/contract.ts`.
"""

from __future__ import annotations

import inspect
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from inductiva_widgets.columns import COLUMNS, DEFAULT_TABLE_COLUMNS, HEADERS, ROW_COLUMNS, Column
from inductiva_widgets.widgets import contract
from inductiva_widgets.widgets.table.query import GROUPS

FILE = Path(__file__).parents[1] / "js" / "src" / "contract.ts"
HEADER = """\
/**
 * Types of the JSON that the kernel sends, and the columns of the table: generated, do not edit.
 *
 * Written by `python -m tests.typescript_contract` from `inductiva_widgets/widgets/contract.py` and
 * `inductiva_widgets/columns.py`.
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
CHOICES = {"ColumnKey": tuple(HEADERS), "GroupKey": GROUPS}


def typescript() -> str:
    """Return the text of ``contract.ts``."""
    own = {name: value for name, value in vars(contract).items() if _is_own(value)}
    types = [_declaration(name, value) for name, value in own.items()]
    return HEADER + "".join(f"\n{part}\n" for part in (*types, *_columns()))


def _columns() -> list[str]:
    """Return the columns of the table as TypeScript constants."""
    formats = _literals(*dict.fromkeys(column.format for column in COLUMNS.values()))
    lines = [f"  {name}: {{ {_column(name)} }},\n" for name in HEADERS]
    defaults = [f'  "{name}",\n' for name in DEFAULT_TABLE_COLUMNS]
    return [
        "/** How the values of a column are written and filtered. */\n"
        f"export type ColumnKind = {formats};",
        COLUMN_TYPE,
        f"export const COLUMNS: Record<ColumnKey, Column> = {{\n{''.join(lines)}}};",
        "/** The default of the `columns` trait. */\n"
        f"export const DEFAULT_COLUMNS: readonly ColumnKey[] = [\n{''.join(defaults)}];",
    ]


def _column(name: str) -> str:
    column, header = COLUMNS[name], HEADERS[name]
    fields = [f'title: "{header.title}"', f'kind: "{column.format}"', f"width: {header.width}"]
    fields += [f"fullWidth: {header.full_width or header.width}", f"priority: {header.priority}"]
    fields += ["grows: true"] if header.grows else []
    fields += ["isUnsorted: true"] if column.kind == "picture" and not header.sort_as else []
    return ", ".join(fields)


COLUMN_TYPE = """\
export interface Column {
  title: string;
  kind: ColumnKind;
  /** Minimum, in pixels. */
  width: number;
  /** Width at which values are rarely cut off. */
  fullWidth: number;
  /** In a narrow table, columns of a lower priority are left out first. */
  priority: number;
  /** Takes the space that is left when all others have their full width. */
  grows?: boolean;
  /** The table cannot be sorted by it. */
  isUnsorted?: boolean;
}"""


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
    if contract.RowView.__annotations__.keys() <= value.__annotations__.keys():
        fields += "".join(f"  {column}: {_value(ROW_COLUMNS[column])};\n" for column in ROW_COLUMNS)
    return f"{_comment(value)}\nexport interface {name} {{\n{fields}}}"


def _value(column: Column) -> str:
    is_text = column.kind in ("status", "category", "text")
    return f"{'string' if is_text else 'number'} | null"


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
