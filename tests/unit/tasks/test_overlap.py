"""Lines read anew go on where the known ones end."""

from hypothesis import given
from hypothesis import strategies as st

from inductiva_widgets.tasks._log_source_webrtc import overlap_length, resume_index

LINES = st.lists(st.sampled_from(["", "a", "b", "ab"]), max_size=12)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 40), st.integers(0, 40))
def test_of_distinct_lines_nothing_is_lost_or_doubled(before, added, window, kept):
    file = [f"step {number}" for number in range(before + added)]
    known = file[:before][-max(kept, window) :]
    fresh = file[-window:]
    found = overlap_length(known, fresh)
    if added < len(fresh) and before:
        assert found == len(fresh) - added
        assert file[:before] + fresh[found:] == file
    elif before:
        # Something may lie between the two.
        assert found is None
    else:
        assert found == 0


@given(LINES, LINES)
def test_overlap_is_the_longest_one(known, fresh):
    longest = max(
        (n for n in range(1, min(len(known), len(fresh)) + 1) if known[-n:] == fresh[:n]), default=0
    )
    found = overlap_length(known, fresh)
    if longest:
        assert found == longest
    elif found:
        # The last known line had not been whole.
        assert known[-found - 1 : -1] == fresh[:found]
        assert fresh[found].startswith(known[-1])


@given(LINES, LINES, LINES)
def test_repeated_lines_are_never_doubled(before, common, new):
    """What is put on is never more than what is new."""
    known, fresh = before + common, common + new
    found = overlap_length(known, fresh)
    if common:
        assert found >= len(common)


def test_line_that_was_not_whole_comes_again():
    assert overlap_length(["a", "time = 0."], ["a", "time = 0.5", "b"]) == 1
    assert overlap_length(["time = 0."], ["time = 0.5", "b"]) == 0
    assert overlap_length(["a", "time = 0."], ["time = 0.5"]) is None


@given(LINES, LINES)
def test_place_in_the_whole_file_is_given_only_where_it_is_the_only_one(known, whole):
    places = [
        end
        for end in range(len(known), len(whole) + 1)
        if known and whole[end - len(known) : end] == known
    ]
    found = resume_index(known, whole)
    if not known:
        assert found == 0
    else:
        assert found == (places[0] if len(places) == 1 else None)
