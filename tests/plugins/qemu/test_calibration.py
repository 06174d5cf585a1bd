"""The fit, and the reading of the host's meter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector_core import EnergyMeter, EnergyReading, NotAvailable, Sample
from collector_plugins.qemu import neighbours
from collector_plugins.qemu.fit import fit
from collector_plugins.qemu.hostmeter import HostMeter
from collector_plugins.qemu.model import Polynomial


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 50), min_size=1, max_size=4),
    st.floats(1, 256),
)
def test_points_of_a_polynomial_give_it_back(coefficients: list[float], highest: float) -> None:
    truth = Polynomial(tuple(c / highest**power for power, c in enumerate(coefficients)))
    points = [(highest * step / 8, truth(highest * step / 8)) for step in range(9)]
    found = fit(points, 3)
    assert found.quality.residual == pytest.approx(0, abs=1e-6)
    for load, watts in points:
        assert found.polynomial(load) == pytest.approx(watts, abs=1e-5)
    assert found.polynomial.fitted_range == (0.0, highest)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 64), st.floats(0, 500)), min_size=1, max_size=10), st.integers(0, 5))
def test_whatever_was_measured_the_fit_can_be_used(points: list[tuple[float, float]], degree: int) -> None:
    found = fit(points, degree)
    assert found.polynomial.problem(64) is None
    assert found.polynomial(0) >= 0
    assert found.quality.r_squared <= 1
    assert found.quality.residual >= 0


def test_idle_power_is_never_negative() -> None:
    found = fit([(1, 0), (2, 10), (3, 20), (4, 30)], 1)
    assert found.polynomial.coefficients[0] == 0
    assert found.polynomial.coefficients[1] == pytest.approx(200 / 30)


def test_a_fit_that_would_fall_is_made_of_a_lower_degree() -> None:
    hump = [(0.0, 10.0), (1.0, 30.0), (2.0, 40.0), (3.0, 45.0), (4.0, 44.0), (5.0, 41.0)]
    found = fit(hump, 3)
    assert found.polynomial.problem(5) is None
    assert len(found.polynomial.coefficients) == 2


def test_few_points_take_a_straight_line() -> None:
    assert len(fit([(0, 10), (1, 20), (2, 31)], 3).polynomial.coefficients) == 2


class Others:
    """What a command reads of another collector."""

    def __init__(self, meters: Sequence[EnergyMeter] = (), samples: Sequence[Sample] = ()) -> None:
        self.meters, self.samples = meters, samples

    def energy_meters(self, _: str) -> Sequence[EnergyMeter]:
        return self.meters

    def read(self, _: str) -> Sequence[Sample]:
        return self.samples


def counted(component: str, device: str, joules: float | None, **more: Any) -> EnergyMeter:
    def latest() -> EnergyReading | None:
        return None if joules is None else EnergyReading(joules, 1.0)

    return EnergyMeter(component, device, "rapl", 0.05, 0.001, latest, latest, **more)


RAPL = [
    counted("cpu", "package-0", 100.0),
    counted("dram", "package-0", 20.0),
    counted("host", "psys", 200.0, covers=frozenset({"cpu", "dram"})),
    counted("dram", "package-1", None),
]
PLUGS = [Sample("shelly_energy_joules_total", {"plug": plug}, joules) for plug, joules in (("a", 1.0), ("b", 2.0))]


def test_of_a_collectors_meters_those_count_that_add_up() -> None:
    assert sum(HostMeter(Others(RAPL), "rapl", {}).joules().values()) == 120


def test_of_a_plug_that_is_no_part_of_the_machine_the_series_count() -> None:
    plug = counted("plug", "a", 1.0)
    assert sum(HostMeter(Others([plug], PLUGS), "shelly", {}).joules().values()) == 3


def test_of_a_meters_series_those_count_that_are_asked_for() -> None:
    meter = HostMeter(Others(RAPL, PLUGS), "shelly", {"plug": "b"})
    assert list(meter.joules().values()) == [2]
    with pytest.raises(NotAvailable, match="counts no energy"):
        HostMeter(Others(RAPL, PLUGS), "shelly", {"plug": "c"}).joules()


def host_watts(cpus: int, per_core: float, saturated_per_core: float) -> dict[int, float]:
    """A host whose cores cost less once half of them are busy, as where they share a clock and a voltage."""
    half = cpus // 2
    return {n: 20 + per_core * min(n, half) + saturated_per_core * max(0, n - half) for n in range(cpus + 1)}


@pytest.mark.parametrize("cpus", [2, 4, 8, 96])
@pytest.mark.parametrize(("beside", "ratio"), [(10.0, 1.0), (4.0, 0.4), (0.0, 0.0), (13.0, 1.0), (-1.0, 0.0)])
def test_the_ratio_is_what_a_load_adds_beside_a_neighbours(cpus: int, beside: float, ratio: float) -> None:
    watts = host_watts(cpus, 10.0, beside)
    known = {level: watts[level] for level in neighbours.levels(cpus)}
    assert neighbours.measured_ratio(known, cpus) == pytest.approx(ratio)


def test_the_ratio_of_an_odd_number_of_cpus_needs_no_more_of_them() -> None:
    assert max(neighbours.levels(7)) == 7
    assert all(guest + neighbour <= 7 and guest and neighbour for guest, neighbour in neighbours.pairs(7))


def test_a_single_cpu_has_no_neighbour() -> None:
    assert list(neighbours.pairs(1)) == []


def test_where_load_adds_nothing_there_is_no_ratio() -> None:
    with pytest.raises(ValueError, match="does not increase"):
        neighbours.measured_ratio(dict.fromkeys(range(5), 20.0), 4)
