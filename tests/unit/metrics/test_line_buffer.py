import itertools

from hypothesis import given
from hypothesis import strategies as st

from inductiva_widgets.metrics.line_buffer import MAX_LINE_BYTES, LineBuffer

# Bytes that logs are made of, those that mean something often.
LOGS = st.lists(
    st.sampled_from(
        [
            b"\n",
            b"\r",
            b"\b",
            b"\r\n",
            b"\x1b[31m",
            b"\x1b",
            b"\x00",
            b"\xff",
            "é".encode(),
            b"a",
            b"7",
        ]
    ),
    max_size=60,
).map(b"".join)


def lines_of(*pieces):
    lines = LineBuffer()
    return [line for piece in pieces for line in lines.feed(piece)] + lines.finish()


def test_lines_end_with_newlines_of_any_kind_and_empty_ones_are_left_out():
    assert lines_of(b"a\n\nb\r\nc\rd\n  \ne") == ["a", "b", "c", "d", "e"]


def test_each_state_of_a_line_that_is_redrawn_counts():
    assert lines_of(b"10 %\r20 %\r30 %\n") == ["10 %", "20 %", "30 %"]
    assert lines_of(b"day: 1  hour: 1\b\b2 \b\b3 \nnext") == [
        "day: 1  hour: 1",
        "day: 1  hour:2 ",
        "day: 1  hour:3 ",
        "next",
    ]


def test_state_that_is_only_taken_back_is_no_line():
    assert lines_of(b"abc\b\b\n") == lines_of(b"abc\b", b"\b\n") == ["abc"]


def test_colours_controls_and_bytes_that_are_no_text_do_no_harm():
    assert lines_of(b"\x1b[1;31mresidual\x1b[0m 0.1\x00\x07\n\xff\xfe 2\n") == [
        "residual 0.1",
        "�� 2",
    ]


def test_escape_that_is_not_ended_takes_no_further_line():
    assert lines_of(b"\x1b]title\nresidual 1\n") == ["residual 1"]


def test_line_of_megabytes_is_left_out_counted_and_does_not_fill_the_memory():
    lines = LineBuffer()
    for _ in range(100):
        assert lines.feed(b"x" * 50_000) == []
        assert len(lines._open) <= MAX_LINE_BYTES
    assert lines.feed(b"end\nresidual 1\n") == ["residual 1"]
    assert lines.n_too_long == 1
    longest = "y" * MAX_LINE_BYTES
    assert lines_of(f"a\n{longest}\n{longest}z\nb\n".encode()) == ["a", longest, "b"]


def test_lines_keep_their_spaces():
    assert lines_of(b"  residual  1 \n\tstep\n") == ["  residual  1 ", "\tstep"]


def test_line_that_a_gap_has_broken_is_left_out():
    lines = LineBuffer()
    assert lines.feed(b"residual 1\nresidual 2") == ["residual 1"]
    assert lines.feed(b"5\nresidual 3\nresi", follows=False) == ["residual 3"]
    assert lines.feed(b"no end of the line yet", follows=False) == []
    assert lines.feed(b" nor here") == []
    assert lines.feed(b"\rstep 7\n") == ["step 7"]


@given(LOGS, st.lists(st.integers(0, 80), max_size=8))
def test_lines_are_the_same_whatever_the_pieces(log, cuts):
    places = sorted({0, len(log), *(min(cut, len(log)) for cut in cuts)})
    pieces = [log[start:stop] for start, stop in itertools.pairwise(places)]
    assert lines_of(*pieces) == lines_of(log)


@given(st.binary(max_size=300))
def test_any_bytes_give_lines_of_printable_text(log):
    for line in lines_of(log):
        assert line.strip()
        assert "\n" not in line
        assert "\x08" not in line
