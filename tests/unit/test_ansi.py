"""Control sequences of terminals, and what remains without them."""

import pytest

from inductiva_widgets.ansi import render_plain_lines


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
