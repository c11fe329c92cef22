import threading

import pytest

from inductiva_widgets.downloads._cancellation import CancelToken
from inductiva_widgets.downloads._connection_limit import ConnectionLimiter


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def pass_time(lanes, clock, speed, slices=1):
    """Let bytes arrive at a speed while all lanes are in use."""
    for _ in range(slices):
        clock.now += 0.3125  # a binary fraction, a little more than a slice
        lanes.record_bytes(round(speed * 0.3125))


HELD = []  # a lane that nobody refers to is given back


def hold(lanes, count):
    taken = [lanes.acquire(CancelToken()) for _ in range(count)]
    for lane in taken:
        assert lane.__enter__()
    HELD.extend(taken)
    return taken


def test_more_connections_are_used_while_they_make_it_faster(clock):
    lanes = ConnectionLimiter(16, clock)
    assert lanes.allowed == 4
    hold(lanes, 4)
    pass_time(lanes, clock, 40_000)
    assert lanes.allowed == 8
    hold(lanes, 4)
    pass_time(lanes, clock, 80_000)
    assert lanes.allowed == 16


def test_connections_that_do_not_make_it_faster_are_given_up(clock):
    lanes = ConnectionLimiter(16, clock)
    hold(lanes, 4)
    pass_time(lanes, clock, 40_000)
    hold(lanes, 4)
    pass_time(lanes, clock, 41_000)
    assert lanes.allowed == 4
    pass_time(lanes, clock, 41_000, 19)
    assert lanes.allowed == 4
    pass_time(lanes, clock, 41_000, 2)
    assert lanes.allowed == 8  # tried again after a while


def test_never_more_than_the_bound(clock):
    lanes = ConnectionLimiter(3, clock)
    assert lanes.allowed == 3
    hold(lanes, 3)
    pass_time(lanes, clock, 40_000, 50)
    assert lanes.allowed == 3


def test_a_server_that_is_asked_too_much_is_asked_half(clock):
    lanes = ConnectionLimiter(8, clock)
    lanes.reduce()
    assert lanes.allowed == 2
    lanes.reduce()
    lanes.reduce()
    assert lanes.allowed == 1


def test_who_finds_no_lane_waits_for_one(clock):
    lanes = ConnectionLimiter(1, clock)
    entered = threading.Event()

    def wait():
        with lanes.acquire(CancelToken()) as got:
            assert got
            entered.set()

    (lane,) = hold(lanes, 1)
    thread = threading.Thread(target=wait)
    thread.start()
    assert not entered.wait(0.05)
    lane.__exit__(None, None, None)
    assert entered.wait(60)
    thread.join()


def test_a_cancel_ends_the_wait_without_a_lane(clock):
    lanes, control = ConnectionLimiter(1, clock), CancelToken()
    hold(lanes, 1)
    control.cancel()
    with lanes.acquire(control) as got:
        assert not got
