"""Count the words that the package avoids, per file, and the words of the README.

`python -m tests.prose` writes the counts of today to `tests/unit/prose_limits.json`. The limits are
there to go down: a file without an entry may have none of these words.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from pathlib import Path

import inductiva_widgets

ROOT = Path(__file__).parents[1]
PACKAGE = Path(inductiva_widgets.__file__).parent
LIMITS = Path(__file__).parent / "unit" / "prose_limits.json"
AVOIDED = frozenset(
    {"nought", "noughts", "meanwhile", "anew", "whoever", "somebody", "beside", "wanted"}
    | {"tell", "tells", "telling", "told"}
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def avoided_words(source: str) -> list[str]:
    """Return the avoided words in the docstrings, comments and identifiers of a module.

    `most` counts as an identifier only, and the identifier `tell` not at all: file objects have a
    method of that name.
    """
    texts = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, _DOCUMENTED)
    ]
    names = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            texts.append(token.string)
        elif token.type == tokenize.NAME and token.string != "tell":
            names.append(token.string)
    words = (word.lower() for text in (*texts, *names) for word in _WORD.findall(text))
    return [word for word in words if word in AVOIDED] + [name for name in names if name == "most"]


def counts() -> dict[str, int]:
    """Return how many avoided words each module has, for modules with at least one."""
    found = {
        path.relative_to(PACKAGE).as_posix(): len(avoided_words(path.read_text(encoding="utf-8")))
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    return {path: count for path, count in found.items() if count}


def readme_words() -> int:
    """Return the number of words of the README, code included."""
    return len((ROOT / "README.md").read_text(encoding="utf-8").split())


def main() -> None:
    """Write the counts of today as limits."""
    limits = {"readme_words": readme_words(), "avoided_words": counts()}
    LIMITS.write_text(json.dumps(limits, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
