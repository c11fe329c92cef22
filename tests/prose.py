"""Find the words that the package avoids, and count the words of the README."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import inductiva_widgets

ROOT = Path(__file__).parents[1]
PACKAGE = Path(inductiva_widgets.__file__).parent
AVOIDED = frozenset(
    {"nought", "noughts", "meanwhile", "anew", "whoever", "somebody", "beside", "wanted"}
    | {"tell", "tells", "telling", "told", "untold"}
    | {"greet", "greets", "tally", "tallies", "twin", "twins"}
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


def modules_with_avoided_words() -> dict[str, list[str]]:
    """Return the avoided words by module, for modules with at least one."""
    found = {
        path.relative_to(PACKAGE).as_posix(): avoided_words(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    return {path: words for path, words in found.items() if words}


def readme_words() -> int:
    """Return the number of words of the README, code included."""
    return len((ROOT / "README.md").read_text(encoding="utf-8").split())
