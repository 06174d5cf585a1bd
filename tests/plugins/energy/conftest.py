"""The ledger over what rapl reads of a powercap tree."""

from __future__ import annotations

import contextlib

import pytest

from collector_core import EnergyMeter, EnergyReading, NotAvailable
from collector_core.testing import FakeClock
from collector_plugins.energy import Energy
from collector_plugins.rapl import Rapl


@pytest.fixture(autouse=True)
def state_home(monkeypatch, tmp_path):
    """Batteries are remembered here."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


class Machine:
    """A collector of rapl and the ledger on one tree with one clock; every run lets both look."""

    def __init__(self, make, root, **options):
        self.clock = FakeClock()
        self.rapl = make(Rapl, root, clock=self.clock)
        meters = self.rapl.collector.collector_energy_meters
        self.energy = make(Energy, root, clock=self.clock, energy_meters=meters, **options)

    def run(self):
        """Let both look; there is no energy before a counter has moved."""
        with contextlib.suppress(NotAvailable):
            self.rapl.run()
        with contextlib.suppress(NotAvailable):
            self.energy.run()


@pytest.fixture
def machine(collector_harness):
    return lambda root, **options: Machine(collector_harness, root, **options)


class Source:
    """A meter whose reading the test sets."""

    def __init__(self, component, device, method, **more):
        self.reading = None
        known = {"latest": lambda: self.reading, "read": lambda: self.reading}
        self.meter = EnergyMeter(component, device, method, 0.1, 1.0, **known | more)

    def says(self, joules, time):
        self.reading = EnergyReading(joules, time)


@pytest.fixture
def source():
    return Source


@pytest.fixture
def ledger(collector_harness):
    """A harness over the meters of `sources`."""

    def make(*sources, **options):
        return collector_harness(Energy, energy_meters=lambda: [each.meter for each in sources], **options)

    return make


@pytest.fixture
def run(ledger):
    """Two runs five seconds apart in which each source goes on at its power in watts."""

    def run(powers, **options):
        harness = ledger(*powers, **options)
        for seconds in (0.0, 5.0):
            for each, watts in powers.items():
                each.says(watts * seconds, harness.clock.monotonic() + seconds)
            harness.run(advance=seconds)
        return harness

    return run
