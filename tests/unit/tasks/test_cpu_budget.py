from inductiva_widgets.tasks.log_watch import MAX_CPU_SHARE, CpuBudget

PIECE = b"x" * 1_000_000


def read(thrift, now, cost, data=PIECE):
    """Read a piece that costs so many seconds a byte, and return how much of it was read."""
    newest = thrift.clip(data, now)
    assert data.endswith(newest)
    thrift.charge(cost * len(newest), len(newest))
    return len(newest)


def test_what_costs_little_is_read_whole():
    thrift = CpuBudget(0.0)
    assert [read(thrift, second, 1e-8) for second in range(60)] == [len(PIECE)] * 60


def test_what_was_printed_before_is_read_whole_at_first():
    assert read(CpuBudget(0.0), 0.0, 1.5e-6) == len(PIECE)


def test_fast_log_takes_no_more_than_its_share():
    thrift = CpuBudget(0.0)
    sizes = [read(thrift, second, 1e-6) for second in range(200)]
    spent = sum(sizes[-100:]) * 1e-6
    assert spent < 1.2 * MAX_CPU_SHARE * 100
    assert min(sizes) > 0


def test_all_is_read_again_once_the_log_has_calmed_down():
    thrift = CpuBudget(0.0)
    for second in range(50):
        read(thrift, second, 1e-6)
    assert read(thrift, 51, 1e-6, b"x" * 5000) == 5000
    assert read(thrift, 200, 1e-6) == len(PIECE)
