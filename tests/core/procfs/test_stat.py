"""CPU times of /proc/stat."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import CpuTicks, cpu_ticks, cpu_ticks_by_cpu
from collector_core.procfs import count_cpus

STAT = b"""cpu  100 20 30 800 40 5 5 10 60 0
cpu0 60 10 10 400 20 5 5 0 30 0
cpu3 40 10 20 400 20 0 0 10 30 0
intr 12345 0 0
"""


def test_waiting_and_what_a_hypervisor_took_is_not_busy_and_guests_count_once() -> None:
    assert cpu_ticks(STAT) == CpuTicks(160, 1010)
    assert dict(cpu_ticks_by_cpu(STAT)) == {0: CpuTicks(90, 510), 3: CpuTicks(70, 500)}


def test_the_cpus_are_counted_without_their_sum() -> None:
    assert count_cpus(STAT) == 2


def test_old_kernels_tell_fewer_modes() -> None:
    assert cpu_ticks(b"cpu  1 2 3 4\n") == CpuTicks(6, 10)


def test_utilization_is_unknown_where_no_time_passed_or_a_counter_fell() -> None:
    before = CpuTicks(100, 1000)
    assert CpuTicks(150, 1100).since(before).utilization == 0.5
    for after in (before, CpuTicks(90, 1100), CpuTicks(150, 1020), CpuTicks(100, 900)):
        assert after.since(before).utilization is None


def test_a_step_back_of_iowait_costs_no_utilization() -> None:
    before = cpu_ticks(b"cpu  100 0 0 500 40\n")
    assert cpu_ticks(b"cpu  200 0 0 500 39\n").since(before).utilization == 1.0


def test_a_cpu_whose_line_is_odd_is_left_out_alone() -> None:
    stat = b"cpu  10 2 3 40\ncpu0 1 2 3 4\ncpu1 ? 2 3 4\ncpu2\ncpu3 5 6 7 8\n"
    assert list(dict(cpu_ticks_by_cpu(stat))) == [0, 3]


@pytest.mark.parametrize(
    "stat",
    [b"", b"cpu", b"cpu  \n", b"cpu  1 2 3\n", b"cpu0 1 2 3 4\n", b"cpu  a b c d\n", b"cpu  1 2 3 %b\n" % (b"9" * 400)],
)
def test_what_is_no_stat_is_refused(stat: bytes) -> None:
    with pytest.raises(ValueError, match=r"proc/stat|literal"):
        cpu_ticks(stat)


@given(st.binary() | st.binary().map(lambda rest: b"cpu  1 2 3 4\ncpu" + rest))
def test_whatever_stands_there_it_is_ticks_or_a_value_error(stat: bytes) -> None:
    try:
        every = [cpu_ticks(stat), *dict(cpu_ticks_by_cpu(stat)).values()]
    except ValueError:
        return
    assert all(isinstance(ticks, CpuTicks) for ticks in every)
