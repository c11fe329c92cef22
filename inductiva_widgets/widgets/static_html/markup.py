"""HTML building blocks with inline styles, and safe values for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from inductiva_widgets.ansi import strip_ansi
from inductiva_widgets.design_tokens import TOKENS, status_group
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import StatusGroup

_FRAME = (
    f"border:1px solid {TOKENS.static_line};border-radius:6px;padding:10px 14px;max-width:1010px"
)
_PRE = "margin:4px 0;white-space:pre-wrap;overflow-wrap:anywhere;max-height:20em;overflow:auto"
# JupyterLab and nbconvert typeset text between dollar signs as TeX, whose \href can run a script;
# not in elements of these classes, for MathJax 2 and 3:
# https://docs.mathjax.org/en/latest/options/document.html
_NO_TEX = "tex2jax_ignore mathjax_ignore"
_LEFT = 'style="text-align:left"'
# Longer values are truncated, since the service sets no limits.
MAX_CELL, MAX_REASON, _MAX_TEXT = 40, 1000, 4000
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def status_colour(group: StatusGroup) -> str:
    """Return a background colour for white text, in light and dark themes."""
    # The colour of a badge's text in a light theme.
    return status_group(group).text[0]


def section(name: str, body: str) -> str:
    """Return a labelled frame around a static view."""
    # The role and the label are those of the live view.
    label = f'class="{_NO_TEX}" aria-label="{escape(name)}"'
    return f'<section {label} style="{_FRAME}">{body}</section>'


def table(titles: Sequence[str], body: str) -> str:
    """Return a table that scrolls sideways if it is too wide."""
    head = "".join(f"<th {_LEFT}>{title}</th>" for title in titles)
    return (
        '<div style="overflow-x:auto"><table cellpadding="4" style="border-collapse:collapse;'
        f'margin:0;white-space:nowrap"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def row(cells: Sequence[str]) -> str:
    """Return a table row; the cells are HTML."""
    return "<tr>" + "".join(f"<td {_LEFT}>{cell}</td>" for cell in cells) + "</tr>"


def status_badge(info: TaskInfo) -> str:
    """Return the status of a task with symbol, label and colour."""
    group = info.status.info.group
    return (
        f'<span role="status" data-status="{escape(truncate_line(info.status, MAX_CELL))}" '
        f'style="color:#fff;background:{status_colour(group)};border-radius:9px;padding:1px 9px">'
        f"<b>{status_group(group).symbol} {escape_value(info.alias, MAX_CELL)}</b></span>"
    )


def pre_block(text: str) -> str:
    """Return preformatted text, or "" if it is empty."""
    return f'<pre style="{_PRE}">{escape(text)}</pre>' if text else ""


def code_after_colon(line: str) -> str:
    """Return a line as HTML, with the part after "to:" or "files:" as code."""
    words, mark, code = line.partition(": ")
    if mark and words.endswith(("to", "files")):
        return f'{escape(words)} <code style="overflow-wrap:anywhere">{escape(code)}</code>'
    return escape(line)


def escape_value(text: str, max_length: int = 300) -> str:
    """Escape a value; ``<bdi>`` confines its text direction marks."""
    return f"<bdi>{escape(truncate_line(text, max_length))}</bdi>" if text else ""


def truncate_line(text: str, max_length: int = 300) -> str:
    """Return a value as one line of at most ``max_length`` characters."""
    return _cut(" ".join(_visible(text).split("\n")), max_length)


def truncate_text(text: str) -> str:
    """Return a text of at most 4000 characters."""
    return _cut(_visible(text), _MAX_TEXT)


def truncate_start(text: str) -> str:
    """Return at most the last 4000 characters of a log."""
    shown = _visible(text)
    return shown if len(shown) <= _MAX_TEXT else f"\u2026{shown[-_MAX_TEXT:]}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}\u2026"


def _visible(text: str) -> str:
    """Remove ANSI codes from a text, and replace further control characters."""
    plain = strip_ansi("\n".join(text.splitlines()))
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", plain)
