"""Which public names and arguments of the vendor's client this package has.

`python -m tests.conformance.vendor_names` prints the table of `docs/vendor_names.md`.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import inductiva_widgets
from inductiva_widgets.resources import request
from inductiva_widgets.simulators import options
from tests.conformance.server import KEY, recorded_server
from tests.conformance.vendor import (
    VERSION,
    VendorClient,
    VendorSession,
    client_environment,
    vendor_programs,
)

SCRIPT = Path(__file__).parent / "scripts" / "public_names.py"
TOP = "top"
# A member that all classes of a module lack is named once, for the first of these.
BASES = {"simulators": "Simulator", "resources": "MachineGroup"}
# Set in the constructors, so the classes have no attribute of this name.
INSTANCE_ATTRIBUTES = ("simulators.version", "projects.name")


class Row(NamedTuple):
    """A module: the number of names and arguments here and in all, and what is not here."""

    module: str
    n_names: tuple[int, int]
    n_arguments: tuple[int, int]
    missing: list[str]


def compare(vendor: Mapping[str, list[str]]) -> list[Row]:
    """Return a row for each module of the vendor's client."""
    modules: dict[str, dict[str, list[str]]] = {}
    for path, arguments in vendor.items():
        modules.setdefault(path.partition(".")[0] if "." in path else TOP, {})[path] = arguments
    return [_row(module, names) for module, names in modules.items()]


def markdown(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| module | names | arguments | not here |", "| --- | ---: | ---: | --- |"]
    for row in rows:
        title = "top level" if row.module == TOP else f"`{row.module}`"
        missing = ", ".join(f"`{name}`" for name in row.missing) or "all here"
        names, arguments = ("{} of {}".format(*pair) for pair in (row.n_names, row.n_arguments))
        lines.append(f"| {title} | {names} | {arguments} | {missing} |")
    return "\n".join(lines)


def _row(module: str, names: Mapping[str, list[str]]) -> Row:
    missing, n_names, n_arguments = [], 0, 0
    for path, arguments in names.items():
        short = path.removeprefix(f"{module}.")
        try:
            accepted = _accepted(path)
        except AttributeError:
            missing.append(short)
            continue
        n_names += 1
        lost = [name for name in arguments if name not in accepted]
        n_arguments += len(arguments) - len(lost)
        missing += [f"{short}({', '.join(lost)})"] if lost else []
    n_all = sum(map(len, names.values()))
    return Row(module, (n_names, len(names)), (n_arguments, n_all), _shortened(module, missing))


def _shortened(module: str, missing: list[str]) -> list[str]:
    base = BASES.get(module)
    of_base = {name.partition(".")[2] for name in missing if name.startswith(f"{base}.")}
    whole = {name for name in missing if "." not in name and "(" not in name}
    return [
        name
        for name in missing
        if name.partition(".")[0] == base
        or (name.partition(".")[2] not in of_base and name.partition(".")[0] not in whole - {name})
    ]


def _accepted(path: str) -> set[str]:
    """Return the names of the arguments that a callable of this package takes."""
    module, _, rest = path.partition(".")
    if f"{module}.{rest.rpartition('.')[2]}" in INSTANCE_ATTRIBUTES:
        return set()
    thing = reduce(_get, path.split("."), inductiva_widgets)
    if isinstance(thing, property):
        return set()
    parameters = inspect.signature(thing).parameters.values()
    accepted = {one.name for one in parameters}
    for one in parameters:
        if one.kind is one.VAR_KEYWORD:
            name = str(one.annotation).removeprefix("Unpack[").removesuffix("]")
            kind = getattr(options, name, None) or getattr(request, name, None)
            accepted |= getattr(kind, "__optional_keys__", frozenset())
    return accepted


def _get(owner: Any, key: str) -> Any:
    if not inspect.isclass(owner):
        return getattr(owner, key)
    thing = inspect.getattr_static(owner, key)
    return thing if isinstance(thing, property) else getattr(owner, key)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, recorded_server(Path(folder)) as served:
        environment = client_environment(served.url, KEY, Path(folder))
        session = VendorSession(VendorClient(vendor_programs(), Path(folder), environment))
        try:
            done = session.run(Path(folder), SCRIPT.read_text(encoding="utf-8"))
        finally:
            session.close()
    print(f"Vendor's client {VERSION}.\n")
    print(markdown(compare(done["answer"])))


if __name__ == "__main__":
    main()
