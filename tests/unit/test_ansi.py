"""Control sequences of terminals, and what remains without them or shows them."""

import json

import pytest

from inductiva_widgets.ansi import (
    LogEscaper,
    escape_control_chars,
    escape_controls_in_json,
    render_plain_lines,
)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a\n\n  b \n", ["a", "", "  b", ""]),
        ("a\r\nb\r\n", ["a", "b", ""]),
        ("10 %\r50 %\rdone\n", ["done", ""]),
        ("50 %\r", ["50 %"]),
        ("\x1b[1;31mERROR\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07\x1b[K", ["ERROR link"]),
        ("cut off\x1b[3", ["cut off"]),
        ("cut off\x1b", ["cut off"]),
        ("a\x00\x07b\x9b", ["ab"]),
        ("a\tb", ["a       b"]),
        ("café ☔\x85", ["café ☔"]),
    ],
)
def test_lines_are_what_a_terminal_shows(text, lines):
    assert render_plain_lines(text) == lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("café ☔\N{NO-BREAK SPACE}日本", "café ☔\N{NO-BREAK SPACE}日本"),
        ("\x1b]52;c;eA==\x07", r"\x1b]52;c;eA==\x07"),
        ("a\x9bb\x7f", r"a\x9bb\x7f"),
        ("a\rb\nc\td", r"a\rb\nc\td"),
        ("\u202egnp.exe\u2066\u200b\ufeff\u2028", r"\u202egnp.exe\u2066\u200b\ufeff\u2028"),
        ("\ud800 \U000e0041", r"\ud800 \U000e0041"),
    ],
)
def test_escape_control_chars_shows_them(text, shown):
    assert escape_control_chars(text) == shown


def test_escape_control_chars_keeps_what_is_named():
    assert escape_control_chars("a\nb\r", keep="\n") == "a\nb\\r"


def test_escaped_json_has_the_same_values():
    value = {"a\u202e": "\x9b\x7f\x1b[0m\u200b\U000e0041\n é"}
    text = escape_controls_in_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(text) == value
    assert "é" in text
    assert not set("\u202e\x9b\x7f\x1b\u200b\U000e0041") & set(text)


def test_log_keeps_colours_and_progress_lines_only():
    text = "\x1b[1;31mred\x1b[0m 1 %\r2 %\n\x1b]0;title\x07\x1b[2J\u202e\x9b"
    assert LogEscaper().escape(text) == (
        "\x1b[1;31mred\x1b[0m 1 %\r2 %\n" + r"\x1b]0;title\x07\x1b[2J\u202e\x9b"
    )


@pytest.mark.parametrize("cut", range(1, 5))
def test_colour_in_two_chunks_is_a_colour(cut):
    escaper, colour = LogEscaper(), "\x1b[32m"
    shown = escaper.escape(f"a{colour[:cut]}") + escaper.escape(f"{colour[cut:]}b")
    assert shown == f"a{colour}b"
    assert escaper.finish() == "\x1b[0m"


def test_beginning_of_a_colour_at_the_end_is_shown():
    escaper = LogEscaper()
    assert escaper.escape("a\x1b[3") == "a"
    assert escaper.finish() == r"\x1b[3"
