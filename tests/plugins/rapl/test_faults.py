"""Faults that energy has to survive, each as it comes from the kernel's files to the ledger."""

from __future__ import annotations

import math

import pytest

from collector_core import EnergyMeter, EnergyReading, NotAvailable
from collector_core.energy import Ledger
from collector_core.metering.meters import guarded
from collector_plugins.rapl import ENERGY, POWER, UNKNOWN_GAPS

INTEL = 262_143_328_850


class Booked:
    """A ledger over the collector of a rig."""

    def __init__(self, rig):
        self.rig, self.ledger, self.watts = rig, Ledger(), []

    def run(self, seconds=1.0):
        run = self.rig.step(seconds)
        self.ledger.update(self.rig.collector.collector_energy_meters(), self.rig.clock.monotonic())
        self.watts += [*self.ledger.watts().values(), *run.by_path(POWER).values()]
        return run

    @property
    def joules(self):
        return sum(self.ledger.joules.values())


@pytest.fixture
def booked(rig):
    rig.tree.add("intel-rapl:0", "package-0", 50.0, start=INTEL - 220_000_000, limits={"long_term": 65.0})
    rig.open()
    return Booked(rig)


@pytest.mark.parametrize("joules", [math.nan, math.inf, -math.inf, -1.0, 94e6, 4_294_967.0])
def test_a_meter_that_says_nonsense_adds_nothing_and_takes_nothing_away(joules):
    said, failures = [], []
    plug = EnergyMeter("host", "plug", "meter", 0.01, 1.0, lambda: said[-1], read=lambda: said[-1], max_watts=3680.0)
    ledger, before = Ledger(), 0.0
    for second in range(12):
        said.append(EnergyReading(joules if second in (4, 7, 8) else 100.0 * second, float(second)))
        ledger.update([guarded(plug, lambda *failure: failures.append(failure))], float(second))
        assert before <= sum(ledger.joules.values()) <= 100.0 * second
        before = sum(ledger.joules.values())
    assert before == pytest.approx(1100.0)


def test_a_wrap_is_added_once(booked):
    for _ in range(10):
        booked.run()
    assert booked.joules == pytest.approx(500.0)
    assert max(booked.watts) == pytest.approx(50.0)


def test_what_was_drawn_over_a_suspend_is_not_power(booked):
    """The counter may have wrapped meanwhile: hours later it says anything."""
    for _ in range(5):
        booked.run()
    booked.rig.tree.zones["intel-rapl:0"].set(12_345)
    booked.rig.clock.advance(8 * 3600.0)
    for _ in range(5):
        run = booked.run()
    assert booked.joules == pytest.approx(450.0, abs=50.0)
    assert max(booked.watts) <= 50.0 + 1e-6
    assert run.by_path(UNKNOWN_GAPS) == {"intel-rapl:0": 1.0}


def test_a_module_that_is_loaded_anew_is_a_gap_and_no_spike(booked):
    for _ in range(5):
        booked.run()
    tree = booked.rig.tree
    tree.remove("intel-rapl:0")
    with pytest.raises(NotAvailable):
        booked.run()
    tree.add("intel-rapl:0", "package-0", 50.0, start=90_000_000_000, limits={"long_term": 65.0})
    for _ in range(5):
        run = booked.run()
    assert booked.joules == pytest.approx(450.0)
    assert max(booked.watts) == pytest.approx(50.0)
    assert run.by_path(ENERGY) == pytest.approx({"intel-rapl:0": 450.0})


def test_without_powercap_and_proc_it_says_what_is_missing(rig):
    with pytest.raises(NotAvailable) as raised:
        rig.open()
    assert raised.value.reason == "not_found"
    assert raised.value.fix
