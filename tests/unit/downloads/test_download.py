import asyncio
import logging
import threading
import time
from pathlib import Path

import pytest

from inductiva_widgets.downloads import Progress, start_archive
from inductiva_widgets.downloads._progress_tracker import ProgressTracker
from inductiva_widgets.downloads.download import Download
from inductiva_widgets.errors import DownloadCancelled, DownloadError
from tests.unit.downloads.archives import make_zip, noise, wait_until
from tests.unit.downloads.server import Fault


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def held(release):
    """Return work that goes on until it is released or cancelled."""

    def work(tracker):
        tracker.cancel_token.on_cancel(release.set)
        release.wait(10)
        if tracker.cancel_token.cancelled:
            raise DownloadError("the connection was cut off")
        return Path("done")

    return work


def test_states_of_a_good_download():
    release = threading.Event()
    download = Download(held(release), "there")
    assert download.progress == Progress(path="there")
    assert download.start() is download
    assert not download.done
    release.set()
    assert download.result(10) == Path("done")
    assert download.result() == Path("done")
    assert download.done
    assert (download.progress.phase, download.progress.path, download.error) == (
        "done",
        "done",
        None,
    )


def test_failure_is_raised_from_each_result():
    def work(tracker):
        raise DownloadError("broken")

    download = Download(work).start()
    for _ in range(2):
        with pytest.raises(DownloadError, match="broken"):
            download.result(10)
    assert download.progress.phase == "failed"
    assert str(download.error) == "broken"


def test_cancel_turns_any_error_into_a_cancellation():
    download = Download(held(threading.Event())).start()
    download.cancel()
    with pytest.raises(DownloadCancelled):
        download.result(10)
    assert download.progress.phase == "cancelled"


def test_cancel_before_the_start():
    download = Download(held(threading.Event()))
    download.cancel()
    with pytest.raises(DownloadCancelled):
        download.run()


def test_cancel_after_the_end_changes_nothing():
    download = Download(lambda tracker: Path("x"))
    download.run()
    download.cancel()
    assert download.result() == Path("x")
    assert download.progress.phase == "done"


def test_result_with_a_timeout_leaves_it_running():
    release = threading.Event()
    download = Download(held(release)).start()
    with pytest.raises(TimeoutError):
        download.result(0.001)
    assert download.progress.phase == "running"
    release.set()
    download.result(10)


def test_interrupt_of_the_wait_cancels_and_goes_up(monkeypatch):
    download = Download(held(threading.Event())).start()

    def interrupt(timeout):
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "_wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download.result()
    assert download.done  # it was waited for, so that it could clean up
    assert download.progress.phase == "cancelled"


def test_interrupt_of_an_inline_run_goes_up():
    def work(tracker):
        raise KeyboardInterrupt

    download = Download(work)
    with pytest.raises(KeyboardInterrupt):
        download.run()
    assert download.progress.phase == "cancelled"
    with pytest.raises(DownloadCancelled):
        download.result()


def test_a_download_runs_once():
    download = Download(lambda tracker: Path("x"))
    download.run()
    with pytest.raises(RuntimeError, match="already started"):
        download.start()


def test_subscriber_gets_the_state_now_and_at_the_end_and_in_order(server, tmp_path):
    url = server.put("/a.zip", make_zip({f"{n}": noise(50_000, n) for n in range(40)}))
    download = start_archive(url, tmp_path / "out")
    states = []
    download.subscribe(states.append)
    download.result(10)
    assert states[-1].phase == "done"
    assert states[-1].bytes_done == states[-1].bytes_total
    assert states[-1].files_done == states[-1].files_total == 40
    done = [state.bytes_done for state in states]
    assert done == sorted(done)


def test_unsubscribed_callback_is_not_called_any_more(clock):
    tracker = ProgressTracker(clock=clock)
    states = []
    unsubscribe = tracker.subscribe(states.append)
    unsubscribe()
    unsubscribe()
    tracker.end("done")
    assert len(states) == 1


def test_failing_callback_is_set_aside_with_a_warning(clock, caplog):
    tracker = ProgressTracker(clock=clock)
    calls, good = [], []

    def bad(state):
        calls.append(state)
        if len(calls) > 1:
            raise ValueError("broken display")

    tracker.subscribe(bad)
    tracker.subscribe(good.append)
    part = tracker.add_part()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            clock.now += 1
            part.receive(1)
    assert len(calls) == 2
    assert len(good) == 4
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "broken display" in caplog.text


def test_callback_may_cancel_and_subscribe(clock):
    tracker = ProgressTracker(clock=clock)
    inner = []
    tracker.subscribe(
        lambda state: (tracker.cancel_token.cancel(), tracker.subscribe(inner.append))
    )
    assert tracker.cancel_token.cancelled
    assert inner


def test_subscribers_are_not_called_more_than_ten_times_a_second(clock):
    tracker = ProgressTracker(clock=clock)
    part = tracker.add_part()
    states = []
    tracker.subscribe(states.append)
    for _ in range(1000):
        clock.now += 0.001
        part.receive(1)
    assert 8 <= len(states) <= 13


def test_speed_is_smoothed_and_kept_bytes_do_not_count(clock):
    tracker = ProgressTracker(clock=clock)
    part = tracker.add_part()
    part.reset(0, 10_000_000)
    part.count_existing(5_000_000)
    assert tracker.progress.speed == 0
    assert tracker.progress.eta is None
    for _ in range(40):
        clock.now += 0.25
        part.receive(25_000)
    state = tracker.progress
    assert state.speed == pytest.approx(100_000)
    assert state.eta == pytest.approx(40)
    clock.now += 0.25
    part.receive(250_000)
    assert 100_000 < tracker.progress.speed < 250_000
    clock.now += 60
    assert tracker.progress.speed < 1000  # a stalled download is not fast
    tracker.end("done")
    assert tracker.progress.eta is None


def test_tally_counts_rightly_from_many_threads():
    tracker = ProgressTracker(clock=time.monotonic)
    parts = [tracker.add_part() for _ in range(4)]
    threads = [
        threading.Thread(target=lambda part=part: [part.receive(1) for _ in range(2000)])
        for part in parts + parts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tracker.progress.bytes_done == 16_000


def test_snapshots_are_frozen():
    with pytest.raises(AttributeError):
        Progress().bytes_done = 1


def test_files_are_yielded_as_they_become_whole(server, tmp_path):
    content = {f"{n}": noise(50_000, n) for n in range(6)}
    url = server.put("/a.zip", make_zip(content))
    server.faults.append(Fault(hold=250_000, when=lambda entry: "bytes=-" not in entry.range))
    download = start_archive(url, tmp_path / "out", connections=1)
    files = iter(download)
    first = next(files)
    assert not download.done
    assert first.read_bytes() == content[first.name]
    server.gate.set()
    assert {first.name, *(file.name for file in files)} == set(content)
    assert len(list(download)) == 6  # also afterwards


def test_iteration_ends_with_the_error(server, tmp_path):
    url = server.put("/a.zip", make_zip({"a": b"1", "b": b"2"}))
    server.always = Fault(status=404, when=lambda entry: "bytes=-" not in entry.range)
    with pytest.raises(DownloadError):
        list(start_archive(url, tmp_path / "out"))


def test_await_gives_the_result_and_the_loop_goes_on_meanwhile():
    release = threading.Event()

    async def main():
        download = Download(held(release)).start()
        waiting = asyncio.ensure_future(download)
        await asyncio.sleep(0)
        assert not waiting.done()
        release.set()
        return await waiting, await download

    assert asyncio.run(main()) == (Path("done"), Path("done"))


def test_await_raises_what_went_wrong():
    def work(tracker):
        raise DownloadError("broken")

    async def main():
        await Download(work).start()

    with pytest.raises(DownloadError, match="broken"):
        asyncio.run(main())


def test_await_that_times_out_cancels_the_download():
    download = Download(held(threading.Event())).start()

    async def main():
        await asyncio.wait_for(download, 0.01)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(main())
    with pytest.raises(DownloadCancelled):
        download.result(10)


def test_paused_download_says_so_and_can_be_cancelled(server, tmp_path):
    url = server.put("/a.zip", make_zip({f"{n}": noise(400_000, n) for n in range(3)}))
    server.always = Fault(hold=300_000, when=lambda entry: "bytes=-" not in entry.range)
    download = start_archive(url, tmp_path / "out", connections=1)
    assert server.holding.wait(10)
    wait_until(lambda: download.progress.active)
    download.pause()
    assert download.paused
    assert download.progress.phase == "paused"
    assert download.progress.speed == 0
    server.gate.set()
    # The connection is let go of, so that no more than what is on its way comes.
    download.cancel()
    with pytest.raises(DownloadCancelled):
        download.result(10)
    assert download.progress.phase == "cancelled"


def test_paused_download_lets_go_of_the_connection_and_goes_on(server, tmp_path):
    content = {f"{n}": noise(3_000_000, n) for n in range(3)}
    url = server.put("/a.zip", make_zip(content))
    server.faults.append(Fault(hold=100_000, when=lambda entry: "bytes=-" not in entry.range))
    download = start_archive(url, tmp_path / "out", connections=1)
    assert server.holding.wait(10)
    download.pause()
    server.gate.set()
    wait_until(lambda: server.log[-1].over)
    assert download.progress.bytes_done < sum(map(len, content.values()))
    download.resume()
    assert download.result(20) == tmp_path / "out"
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == content


def test_second_download_into_a_folder_waits_and_finds_all_there(server, tmp_path):
    content = {f"{n}": noise(100_000, n) for n in range(4)}
    data = make_zip(content)
    url = server.put("/a.zip", data)
    server.faults.append(Fault(hold=150_000, when=lambda entry: "bytes=-" not in entry.range))
    first = start_archive(url, tmp_path / "out", connections=1)
    assert server.holding.wait(10)
    second = start_archive(url, tmp_path / "out")
    wait_until(lambda: second.progress.phase == "waiting")
    server.gate.set()
    first.result(10)
    second.result(10)
    assert second.summary.kept == 4
    assert server.sent <= len(data) + 3 * 64 * 1024
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(content)
