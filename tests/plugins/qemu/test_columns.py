"""Columns of all guests say what the formulas say of one guest after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from collector_core.demo.rack import Rack
from collector_core.procfs import CLOCK_TICKS_PER_SECOND, KeptFile
from collector_plugins.qemu.cmdline import Description
from collector_plugins.qemu.config import Power
from collector_plugins.qemu.demo import DemoHost
from collector_plugins.qemu.guest import Guest
from collector_plugins.qemu.labels import Totals
from collector_plugins.qemu.meter import Meter, Row
from collector_plugins.qemu.model import Polynomial
from collector_plugins.qemu.units import CpuUnit

CORES = 16
MAX_GAP = 10.0
NO_MODEL = Power(None, CpuUnit.CORES, 0.75, CORES, 1.3, 50.0)


class Reading(NamedTuple):
    """What one run reads of a guest: CPU ticks since its start, and seconds after the run before."""

    ticks: int
    seconds: float


@dataclass
class ByHand:
    """One guest, whose figures are worked out alone, as the documentation has the formulas."""

    power: Power
    guest: Guest
    ticks: int
    joules: float = 0.0
    seconds: float = 0.0
    growth: int = 0

    def read(self, reading: Reading) -> None:
        self.seconds = reading.seconds
        self.growth = max(0, reading.ticks - self.ticks)
        self.ticks = max(self.ticks, reading.ticks)

    def row(self) -> Row:
        power, vcpus, spent = self.power, self.guest.vcpus, self.ticks / CLOCK_TICKS_PER_SECOND
        cores = self.growth / CLOCK_TICKS_PER_SECOND / self.seconds if self.seconds > 0 else None
        known = Row(self.guest, None, cores, spent, vcpus, None, None, None, None, None, None, None)
        if power.polynomial is None:
            return known
        known = known._replace(static=f(power.polynomial, 0.0) * vcpus / CORES)
        if cores is not None:
            known = self._with_power(power.polynomial, known, cores * power.cpu_unit.per_core(Rack.cores))
        return known._replace(joules=self.joules, grams=self._grams(self.joules / 3.6e6))

    def _with_power(self, polynomial: Polynomial, known: Row, load: float) -> Row:
        dynamic = max(0.0, (f(polynomial, load) - f(polynomial, 0.0)) * self.power.cinergy_ratio)
        assert known.static is not None
        total = known.static + dynamic
        if self.seconds <= MAX_GAP:
            self.joules += total * self.seconds
        fitted = polynomial.fitted_range
        outside = None if fitted is None else not fitted[0] <= load <= fitted[1]
        rate = self._grams(total / 1000)
        return known._replace(load=load, dynamic=dynamic, total=total, grams_per_hour=rate, is_outside=outside)

    def _grams(self, kilowatt_hours: float) -> float | None:
        factor = self.power.emission_factor
        return None if factor is None else kilowatt_hours * self.power.pue * factor


def f(polynomial: Polynomial, x: float) -> float:
    """The polynomial, power by power."""
    low, high = polynomial.fitted_range or (x, x)
    x = min(max(x, low), high)
    return sum(c * x**power for power, c in enumerate(polynomial.coefficients))


def guest(number: int, vcpus: int, ticks: int) -> Guest:
    file = KeptFile("", is_kernels=False, keep_open=False)
    return Guest(str(number), number, file, Description(f"vm{number}"), ticks, 0.0, vcpus)


polynomials = st.builds(
    Polynomial,
    st.lists(st.floats(0, 100), min_size=1, max_size=4).map(tuple),
    st.none() | st.tuples(st.floats(0, 1), st.floats(2, 200)),
)
powers = st.builds(
    replace,
    st.just(NO_MODEL),
    polynomial=st.none() | polynomials,
    cpu_unit=st.sampled_from(CpuUnit),
    emission_factor=st.none() | st.floats(0, 1000),
)
readings = st.builds(Reading, st.integers(0, 100_000), st.sampled_from([0.0, 0.5, 1.0, MAX_GAP, 60.0]))
guests_by_run = st.lists(st.lists(readings, max_size=4), min_size=1, max_size=5)


@given(powers, guests_by_run, st.integers(1, 64))
def test_columns_are_the_rows_of_all_guests(power: Power, runs: Sequence[Sequence[Reading]], vcpus: int) -> None:
    """Each run has a reading for as many guests as it likes; those that are new have just been found."""
    meter = Meter(power, DemoHost(Rack()), MAX_GAP)
    totals: dict[Guest, Totals] = {}
    alone: list[ByHand] = []
    for run in runs:
        for one, each, reading in zip(alone, totals, run, strict=False):
            one.read(reading)
            each.account(reading.ticks, each.read_at + reading.seconds)
        for number in range(len(alone), len(run)):
            new = guest(number, vcpus + number, run[number].ticks)
            totals[new] = Totals(new.ticks)
            alone.append(ByHand(power, new, new.ticks))
        here = list(zip(totals, alone, strict=True))[: len(run)]
        found = {row.guest: row for row in meter.take({each: totals[each] for each, _ in here}).rows()}
        assert len(found) == len(run)
        for each, one in here:
            assert_same(found[each], one.row())


def assert_same(found: Row, expected: Row) -> None:
    """Sums in another order differ by what is lost in rounding."""
    assert found.guest is expected.guest
    for name, here, there in zip(Row._fields[1:], found[1:], expected[1:], strict=True):
        assert (here is None) is (there is None), name
        assert here is None or abs(here - there) <= 1e-9 * max(1.0, abs(there)), name


def test_guests_that_were_read_once_come_last() -> None:
    meter = Meter(replace(NO_MODEL, polynomial=Polynomial((10.0, 10.0))), DemoHost(Rack()), MAX_GAP)
    fresh, known = guest(1, 2, 100), guest(2, 2, 100)
    known.account(300, 2.0)
    columns = meter.take({fresh: Totals(100), known: Totals(100)})
    assert columns.guests == [known, fresh]
    assert (columns.cores, columns.vcpus, len(columns.joules)) == ([1.0], [2, 2], 2)
