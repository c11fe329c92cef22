"""The files of the store: damage, privacy, bounds, and several processes at once."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import inductiva_widgets
from inductiva_widgets._secret import Secret
from inductiva_widgets.errors import StaleHistoryWarning
from inductiva_widgets.history import file_format, paths, store
from inductiva_widgets.history.cache import CachedListing
from inductiva_widgets.history.store import HistoryStore
from tests.unit.conftest import CANARY
from tests.unit.history.history_server import ROTATION, rows

posix = pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
_ROOT = Path(inductiva_widgets.__file__).parents[1]


def file_of(cache: Path) -> Path:
    [path] = (cache / "history").glob("*.tasks")
    return path


@pytest.fixture
def filled(world):
    """Return a service with a history that is kept."""
    world.submit_ended(12)
    world.submit(2)
    world.tasks["t3"]["task_metadata"] = {"länge": "7 m"}
    world.history()
    return world


# The format


def encoded(kept: CachedListing) -> bytes:
    file = io.BytesIO()
    file_format.write(file, kept)
    return file.getvalue()


def test_what_is_written_is_read_again(filled, cache):
    content = file_of(cache).read_bytes()
    kept = file_format.read(content)
    assert kept.rows.fields.ids == list(filled.tasks)
    assert (kept.segments, kept.complete) == ((14,), True)
    assert encoded(kept) == content
    nothing = file_format.read(encoded(CachedListing.empty()))
    assert (len(nothing), nothing.segments, nothing.as_of) == (0, (), None)


def test_values_that_no_task_has_any_more_are_not_written(world, cache):
    world.submit_ended(1)
    for number in range(5):
        world.tasks["t1"]["task_metadata"] = {"run": f"number-{number}"}
        world.history()
    content = file_of(cache).read_bytes()
    assert b"number-4" in content
    assert b"number-3" not in content


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_made_anew_with_a_word(filled, cache, data):
    path = file_of(cache)
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "insert", "zero"]))
    damaged = {
        "flip": whole[:at]
        + bytes([whole[at] ^ (1 << data.draw(st.integers(0, 7)))])
        + whole[at + 1 :],
        "cut": whole[:at],
        "insert": whole[:at] + data.draw(st.binary(min_size=1, max_size=9)) + whole[at:],
        "zero": whole[:at] + bytes(len(whole) - at),
    }[kind]
    path.write_bytes(damaged)
    if damaged != whole:
        with pytest.warns(StaleHistoryWarning, match="fetched again"):
            found = filled.history(metadata=True)
        assert rows(found) == filled.truth()
    assert filled.costs() == 1 + ROTATION


@pytest.mark.parametrize("change", [b'"segments":[13]', b'"segments":[15]', b'"segments":[14,0]'])
def test_a_file_that_contradicts_itself_is_damaged_though_its_sum_is_right(filled, cache, change):
    import hashlib

    content = file_of(cache).read_bytes()[: -file_format.DIGEST]
    start = len(file_format.MAGIC) + 2
    size = int.from_bytes(content[start : start + 4], "little")
    header = content[start + 4 : start + 4 + size].replace(b'"segments":[14]', change)
    made = (
        content[:start] + len(header).to_bytes(4, "little") + header + content[start + 4 + size :]
    )
    with pytest.raises(file_format.CorruptCacheError):
        file_format.read(made + hashlib.sha256(made).digest())


def test_a_file_of_another_version_is_made_anew_with_a_word(filled, cache, monkeypatch):
    monkeypatch.setattr(file_format, "_START", file_format.MAGIC + (1).to_bytes(2, "little"))
    with pytest.warns(StaleHistoryWarning, match="another version"):
        filled.history()
    assert filled.costs() == 1 + ROTATION


# Privacy


@posix
def test_only_its_owner_may_look_in(filled, cache):
    from inductiva_widgets.tasks import Task

    Task("t2", client=filled.client).set_metadata({"a": "b"})
    folder = cache / "history"
    assert folder.stat().st_mode & 0o777 == 0o700
    files = list(folder.iterdir())
    assert {path.suffix for path in files} == {"", ".tasks", ".changed"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


@posix
def test_a_folder_that_is_open_to_others_is_closed(filled, cache):
    (cache / "history").chmod(0o755)
    filled.history()
    assert (cache / "history").stat().st_mode & 0o777 == 0o700


def test_the_key_is_in_no_file_and_in_no_name(filled, cache):
    import hashlib

    assert filled.settings.api_key.reveal() == CANARY
    account = f"{filled.settings.api_url}\n{CANARY}".encode()
    plain = {hashlib.blake2b(account, digest_size=16).hexdigest()}
    for path in cache.rglob("*"):
        assert CANARY not in path.name
        assert path.stem not in plain
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes()


def test_another_salt_makes_another_name(filled, cache):
    before = file_of(cache).name
    (cache / "history" / "salt").write_bytes(b"short")
    filled.history()
    assert len(list((cache / "history").glob("*.tasks"))) == 2
    assert (cache / "history" / before).exists()


def test_nothing_is_made_by_looking(world, cache):
    assert len(HistoryStore(world.settings).load()) == 0
    HistoryStore(world.settings).clear()
    assert not cache.exists()


# Bounds and trouble


def test_the_newest_tasks_are_kept_where_there_are_too_many(world, cache, monkeypatch):
    monkeypatch.setattr(store, "MAX_TASKS", 10)
    world.submit_ended(30)
    assert len(world.history()) == 30
    kept = file_format.read(file_of(cache).read_bytes())
    assert kept.rows.fields.ids == [f"t{n}" for n in range(30, 20, -1)]
    assert not kept.complete
    assert rows(world.history()) == world.truth()


def test_the_accounts_that_were_not_used_for_longest_go(world, cache, monkeypatch):
    monkeypatch.setattr(store, "MAX_ACCOUNTS", 3)
    kind = type(world.settings)
    world.submit_ended(10)
    accounts = [kind(f"http://{number}", Secret("key"), "http://fake") for number in range(4)]
    for number, account in enumerate(accounts[:3]):
        world.settings = account
        world.history()
        os.utime(paths.CachePaths.find(account).tasks, (number + 1, number + 1))
    world.settings = accounts[0]
    world.history(offline=True)
    world.settings = accounts[3]
    world.history()
    kept = [paths.CachePaths.find(account).tasks.exists() for account in accounts]
    assert kept == [True, False, True, True]


def test_what_nobody_has_finished_goes(filled, cache):
    old, new = (cache / "history" / f"{name}.part" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (1, time.time() - 7200))
    filled.history()
    assert not old.exists()
    assert new.exists()


def test_a_disk_that_cannot_be_written_to_costs_a_warning(world, cache):
    cache.write_text("a file where the folder should be")
    world.submit_ended(12)
    with pytest.warns(StaleHistoryWarning, match="cannot be cached"):
        assert rows(world.history()) == world.truth()


def test_a_disk_that_fills_up_leaves_what_was_kept(filled, cache, monkeypatch):
    before = file_of(cache).read_bytes()

    def write(file, kept):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_format, "write", write)
    filled.submit_ended(1)
    with pytest.warns(StaleHistoryWarning, match="No space left"):
        assert rows(filled.history(metadata=True)) == filled.truth()
    assert file_of(cache).read_bytes() == before
    assert not list(cache.rglob("*.part"))


def test_a_file_that_cannot_be_read_costs_a_warning(filled, cache, monkeypatch):
    path = file_of(cache)
    path.unlink()
    path.mkdir()
    with pytest.warns(StaleHistoryWarning, match="cannot be"):
        assert rows(filled.history(metadata=True)) == filled.truth()


# Several at once


def test_a_short_history_does_not_take_the_place_of_a_longer_one(world):
    world.submit_ended(40)
    mine = HistoryStore(world.settings)
    mine.load()
    world.history(last_n=2)
    short = HistoryStore(world.settings).load()
    world.history()
    mine.save(short)
    assert len(HistoryStore(world.settings).load()) == 40


def test_a_change_that_was_noted_during_a_call_is_not_forgotten(world):
    from inductiva_widgets.tasks import Task

    world.submit_ended(12)
    world.history()

    world.submit_ended(20)
    before = len(world.calls)

    def change():
        # What is kept was looked at after the first request.
        if len(world.calls) - before == 3:
            world.hooks.clear()
            Task("t2", client=world.client).set_metadata({"a": "b"})

    world.hooks["GET /tasks"] = change
    world.history()
    assert not world.hooks
    assert world.history(metadata=True).loc["t2", "metadata.a"] == "b"


def test_a_lock_that_another_holds_is_not_waited_for_long(filled, cache):
    with (
        paths.lock_dir(cache / "history") as taken,
        paths.lock_dir(cache / "history", 0.05) as twice,
    ):
        assert (taken, twice) == (True, False)


_WRITER = """
import sys
from inductiva_widgets.history import sync
from tests.unit.history.history_server import PER_PAGE, World, rows

sync.PER_PAGE = PER_PAGE
world = World()
world.submit_ended(60)
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    frame = world.history(refresh=number % 5 == 0, last_n=7 if number % 3 else None)
    assert rows(frame) == world.truth(last_n=7 if number % 3 else None)
    if number % 4 == 0:
        world.submit_ended(1)
"""


@pytest.mark.extended
def test_processes_that_write_at_once_leave_a_whole_history(world, cache):
    command = [sys.executable, "-W", "error", "-c", _WRITER]
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    pipe = subprocess.PIPE
    writers = [
        subprocess.Popen(
            command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=_ROOT
        )
        for _ in range(3)
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        _, said = writer.communicate(timeout=120)
        assert writer.returncode == 0, said
    world.submit_ended(67)
    assert rows(world.history()) == world.truth()
    assert {path.suffix for path in (cache / "history").iterdir()} == {"", ".tasks"}
