"""The steps of a calibration's load, what is measured at them, and how a fit is judged."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from collector_core import NotAvailable
from collector_core.calibration import LoadBench, LoadPoint, fit_quality, load_levels, mean_points
from collector_core.calibration.bench import growth
from collector_core.calibration.load import Load, bending_level
from collector_core.plugins.commands import CommandContext
from collector_core.testing import FakeClock


def test_levels() -> None:
    assert load_levels(2, 8) == [0, 1, 2]
    assert load_levels(16, 8) == [0, 2, 4, 6, 8, 10, 12, 14, 16]
    assert load_levels(96, 3) == [0, 32, 64, 96]
    assert load_levels(1, 1) == [0, 1]


def test_a_load_burns_and_ends() -> None:
    with Load(1) as load:
        (process,) = load._running
        while time.clock_gettime((~process.pid << 3) | 2) < 0.05:  # its CPU time; the test's timeout is the limit
            time.sleep(0.01)
        assert process.poll() is None
    assert process.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_counter_that_was_not_there_all_the_time_is_not_added_up() -> None:
    assert growth({"a": 1.0, "b": 5.0}, {"a": 3.0, "b": 5.5}) == {"a": 2.0, "b": 0.5}
    for after in ({"a": 3.0}, {"a": 3.0, "b": 4.0}):
        with pytest.raises(NotAvailable, match="not available the whole time"):
            growth({"a": 1.0, "b": 5.0}, after)


class Machine:
    """A machine whose meter and CPU times move on whenever the meter is read: 2 s, 40 W, a quarter of 4 CPUs busy."""

    def __init__(self, root: Path) -> None:
        self.clock = FakeClock()
        self.stat = root / "proc/stat"
        self.stat.parent.mkdir()
        self.stat.write_text("cpu  0 0 0 0\n")
        self.reads = 0
        self.context = CommandContext(SimpleNamespace(root=root, clock=self.clock))  # type: ignore[arg-type] # reads no collector

    def joules(self) -> dict[str, float]:
        self.reads += 1
        self.clock.advance(2.0)
        self.stat.write_text(f"cpu  {200 * self.reads} 0 0 {600 * self.reads} 0 0 0 0\n")
        return {"package": 80.0 * self.reads, "memory": 10.0 * self.reads}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_each_step_gives_watts_by_meter_and_the_load(machine: Machine) -> None:
    points = list(LoadBench(machine.context, machine.joules, seconds=0, settle=0, readings=2).measure([0, 1]))
    assert [point.level for point in points] == [0, 0, 1, 1]
    for point in points:
        assert (point.busy_cores, point.utilization) == (1.0, 0.25)
        assert point.watts == {"package": 40.0, "memory": 5.0}
    assert [point.is_disturbed for point in points] == [True, True, False, False]


def test_cpu_times_that_stand_still_are_no_point(machine: Machine) -> None:
    machine.stat.write_text("cpu  1 0 0 1\n")
    bench = LoadBench(machine.context, lambda: {"package": 1.0}, seconds=0, settle=0)
    with pytest.raises(NotAvailable, match="did not increase"):
        list(bench.measure([0]))


def test_without_cpu_times_it_says_so_before_any_load(machine: Machine) -> None:
    machine.stat.unlink()
    with pytest.raises(NotAvailable, match="proc/stat"):
        list(LoadBench(machine.context, dict, seconds=0, settle=0).measure([SimpleNamespace()]))  # type: ignore[list-item]


def test_the_quality_of_a_fit() -> None:
    assert fit_quality(lambda load: 2 * load, [(0, 0), (1, 2), (2, 4)]) == (1.0, 0.0)
    good = fit_quality(lambda load: 2 * load, [(0, 1), (1, 1), (2, 5), (3, 5)])
    assert good.residual == 1.0
    assert good.r_squared == pytest.approx(1 - 4 / 16)
    assert fit_quality(lambda _: 3.0, [(0, 3), (1, 3)]) == (1.0, 0.0)
    assert fit_quality(lambda _: 4.0, [(0, 3), (1, 3)]).r_squared == float("-inf")


def test_a_curve_is_measured_evenly_first_and_then_where_it_bends(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    watts = {0: 10.0, 1: 20.0, 2: 30.0, 3: 40.0, 4: 50.0, 5: 90.0, 6: 130.0, 7: 140.0, 8: 150.0}
    bench = LoadBench(machine.context, machine.joules, seconds=0, settle=0, readings=2)

    def measured(level: int) -> list[LoadPoint]:
        return [LoadPoint(level, level, level / 8, {"package": watts[level]})] * 2

    monkeypatch.setattr(bench, "_measure_at", measured)
    levels = [point.level for point in bench.measure_curve(8, 6)]
    assert levels[:8] == [0, 0, 3, 3, 5, 5, 8, 8]
    assert {4, 6} <= set(levels)
    assert len(levels) == 2 * 7 == 2 * len(set(levels))


def interpolated(watts: dict[int, float], level: int) -> float:
    low = max(each for each in watts if each <= level)
    high = min(each for each in watts if each >= level)
    return watts[low] + (watts[high] - watts[low]) * (level - low) / max(1, high - low)


@pytest.mark.parametrize("jump", [(0.41, 0.51), (0.1, 0.15), (0.7, 0.74)])
@pytest.mark.parametrize("cpus", [32, 96])
def test_a_bend_between_the_even_loads_is_found(jump: tuple[float, float], cpus: int) -> None:
    """As where the clock changes from one step to another: the error is far below that of even loads."""

    def truth(level: int) -> float:
        load = level / cpus
        return 40 + 100 * load + 120 * min(1.0, max(0.0, (load - jump[0]) / (jump[1] - jump[0])))

    def worst(levels: Iterable[int]) -> float:
        watts = {level: truth(level) for level in levels}
        return max(abs(interpolated(watts, level) - truth(level)) for level in range(cpus + 1))

    watts = {level: truth(level) for level in load_levels(cpus, 4)}
    while len(watts) <= 8 and (level := bending_level(watts)) is not None:
        watts[level] = truth(level)
    assert worst(watts) <= 0.7 * worst(load_levels(cpus, 8))


def test_a_straight_curve_is_measured_evenly() -> None:
    watts = {level: 10.0 + level for level in (0, 16, 32)}
    for _ in range(6):
        level = bending_level(watts)
        assert level is not None
        watts[level] = 10.0 + level
    assert sorted(watts) == [0, 4, 8, 12, 16, 20, 24, 28, 32]


def test_where_every_load_was_measured_none_is_left() -> None:
    assert bending_level({0: 5.0, 1: 9.0, 2: 11.0}) is None
    assert bending_level({}) is None


def test_readings_of_one_load_come_to_their_mean():
    readings = [
        LoadPoint(2, 2.0, 1.0, {"cpu": 50.0}),
        LoadPoint(0, 0.0, 0.0, {"cpu": 10.0}),
        LoadPoint(2, 1.0, 0.5, {"cpu": 40.0}),
    ]
    assert list(mean_points(readings)) == [
        LoadPoint(0, 0.0, 0.0, {"cpu": 10.0}),
        LoadPoint(2, 1.5, 0.75, {"cpu": 45.0}),
    ]
