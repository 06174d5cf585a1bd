"""The curves: sane for whatever processor, and near to what was measured on real ones."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Component
from collector_core.procfs import CpuDescription
from collector_core.procfs.processors import PROCESSORS, ProcessorKind, find_processor
from collector_plugins.estimate.activity import nominal_hertz
from collector_plugins.estimate.machine import Machine
from collector_plugins.estimate.modelfile import Point, curves
from collector_plugins.estimate.power import GIB, Activity, MeasuredCurve, memory_watts, tdp_curve
from collector_plugins.estimate.sizing import Origin, Sizing, size

MEASURED = sorted((Path(__file__).parents[4] / "shared/cpu_load_power").glob("*.csv"))
needs_measurements = pytest.mark.skipif(not MEASURED, reason="no measured load curves in ../shared/cpu_load_power")

sizings = st.builds(
    Sizing,
    tdp_watts=st.floats(1, 500),
    source=st.just(Origin.TABLE),
    kind=st.sampled_from(ProcessorKind),
    factor=st.floats(0.01, 8),
    threads_per_core=st.sampled_from([1, 2, 4]),
    share=st.just("1"),
)
ratios = st.floats(0, 1)


@given(sizings, st.integers(1, 512), st.booleans(), ratios, ratios, st.floats(0.1, 3))
def test_power_never_falls_with_load_and_stays_between_idle_and_tdp(
    sizing: Sizing, cpus: int, virtual: bool, one: float, other: float, clock: float
) -> None:
    curve = tdp_curve(sizing, cpus=cpus, virtual=virtual)
    low, high = sorted((one, other))
    most = sizing.tdp_watts * sizing.factor
    assert 0 < curve(Activity(0.0)) <= curve(Activity(low, clock)) <= curve(Activity(high, clock)) * (1 + 1e-9)
    assert curve(Activity(high, clock)) <= most * (1 + 1e-9)


@given(sizings, ratios)
def test_stated_idle_watts_are_the_floor(sizing: Sizing, part: float) -> None:
    idle = sizing.tdp_watts * part
    curve = tdp_curve(sizing, cpus=4, virtual=False, idle_watts=idle)
    assert curve(Activity(0.0)) == pytest.approx(idle * sizing.factor)
    assert curve(Activity(1.0)) >= curve(Activity(0.0))


def straight(activity: Activity) -> float:
    return activity.utilization


measurements = st.lists(
    st.tuples(st.integers(0, 100).map(lambda percent: percent / 100), st.floats(0, 1000)),
    min_size=2,
    max_size=20,
    unique_by=lambda point: point[0],
)


@given(measurements, ratios, sizings, st.integers(1, 512))
def test_a_measured_curve_goes_through_its_points_and_stays_between_them(
    points: list[tuple[float, float]], x: float, sizing: Sizing, cpus: int
) -> None:
    for shape in (straight, tdp_curve(sizing, cpus=cpus, virtual=False)):
        curve = MeasuredCurve(points, shape)
        assert [curve(Activity(at)) for at, _ in points] == pytest.approx([watts for _, watts in points])
        watts = [each for _, each in points]
        assert min(watts) - 1e-6 <= curve(Activity(x)) <= max(watts) + 1e-6


def test_a_measured_curve_is_flat_beyond_its_points_and_bends_as_its_shape_between_them() -> None:
    points = [(0.8, 22.0), (0.2, 10.0), (0.4, 20.0)]
    curve = MeasuredCurve(points, straight)
    assert [curve(Activity(x)) for x in (0.0, 0.3, 0.6, 1.0)] == pytest.approx([10.0, 15.0, 21.0, 22.0])
    bent = MeasuredCurve(points, lambda activity: activity.utilization**0.5)
    assert bent(Activity(0.3)) == pytest.approx(10 + 10 * (0.3**0.5 - 0.2**0.5) / (0.4**0.5 - 0.2**0.5))


def test_small_memory_draws_by_its_size_and_large_memory_less_than_that() -> None:
    assert memory_watts(8 * GIB) == pytest.approx(3.0)
    assert memory_watts(64 * GIB) == pytest.approx(24.0)
    assert memory_watts(512 * GIB) == pytest.approx(24.0 + 44.8)


class Row(NamedTuple):
    """One step of load: `posted` watts are those of the column, `mean` watts its energy by its duration."""

    activity: Activity
    posted: float
    mean: float
    other_estimate: float


class Measured(NamedTuple):
    """A file of measurements, and what the estimate takes the machine for."""

    rows: list[Row]
    curve: Callable[[Activity], float]


def load(file: Path) -> Measured:
    """Sockets follow from the threads that were kept busy; the clock counts where the name tells the base clock."""
    with file.open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    name, threads = lines[0]["cpu_name"], max(int(line["cores_used"]) for line in lines)
    processor = find_processor((name,), PROCESSORS.read_text())
    assert processor, f"{name} is not in the table"
    sockets = max(1, threads // processor.threads)
    cpu = CpuDescription(name, (name,), sockets, processor.cores * sockets, threads, virtual=False, fixed_hertz={})
    sizing = size(Machine(cpu, None, virtual=False), None)
    base = nominal_hertz((name,))
    rows = [
        Row(
            Activity(float(line["cpu_load"]) / 100, float(line["cpu_freq"]) * 1e6 / base if base else 1.0),
            float(line["rapl_power"]),
            float(line["rapl_energy"]) * 3.6e6 / float(line["duration"]),
            float(line["estimated_power"]),
        )
        for line in lines
    ]
    return Measured(rows, tdp_curve(sizing, cpus=threads, virtual=False))


# The column of watts is that of the step before: its first row says nothing. The energy of a step is its own.
TRUTHS = {
    "posted": lambda rows: [(row, row.posted) for row in rows[1:]],
    "mean": lambda rows: [(row, row.mean) for row in rows],
}


@needs_measurements
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("file", MEASURED, ids=lambda file: file.stem)
def test_uncalibrated_the_mean_error_is_below_that_of_the_estimate_recorded_there(file: Path, truth: str) -> None:
    measured = load(file)
    pairs = TRUTHS[truth](measured.rows)
    ours = fmean(abs(measured.curve(row.activity) - watts) for row, watts in pairs)
    theirs = fmean(abs(row.other_estimate - watts) for row, watts in pairs)
    print(f"{file.stem} ({truth}): {ours:.1f} W, the estimate recorded there {theirs:.1f} W")
    assert ours < theirs


@needs_measurements
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("file", MEASURED, ids=lambda file: file.stem)
def test_calibrated_with_five_points_the_mean_error_is_below_eight_percent(file: Path, truth: str) -> None:
    measured = load(file)
    pairs = TRUTHS[truth](measured.rows)
    five = [_nearest(pairs, quarter / 4) for quarter in range(5)]
    points = [Point(utilization=row.activity.utilization, cpu_watts=watts) for row, watts in five]
    curve = curves(points, measured.curve)[Component.CPU]
    error = fmean(abs(curve(row.activity) - watts) / watts for row, watts in pairs)
    others = fmean(abs(curve(row.activity) - watts) / watts for row, watts in pairs if (row, watts) not in five)
    print(f"{file.stem} ({truth}): {error:.1%} of all, {others:.1%} of those that were not calibrated with")
    assert error < 0.08


def _nearest(pairs: list[tuple[Row, float]], utilization: float) -> tuple[Row, float]:
    return min(pairs, key=lambda pair: abs(pair[0].activity.utilization - utilization))
