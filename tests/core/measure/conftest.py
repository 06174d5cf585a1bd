"""A machine whose power the test decides, on a clock that it moves."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from collector_core import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_core.energy import EnergyMonitor
from collector_core.testing import FakeClock


@dataclass
class Source:
    """One meter's: `watts` at present, what it `says` instead of its energy, how often it fails first, was read."""

    watts: float
    joules: float = 0.0
    gaps: int = 0
    says: object = "energy"
    failures: int = 0
    reads: int = 0


@dataclass
class Machine:
    """Every reading takes `read_seconds`, in which the energy goes on."""

    read_seconds: float = 0.0005
    clock: FakeClock = field(default_factory=FakeClock)
    sources: dict[str, Source] = field(default_factory=dict)
    meters: list[EnergyMeter] = field(default_factory=list)
    monitors: list[EnergyMonitor] = field(default_factory=list)

    def add(self, component, device, watts, method=EnergyMethod.RAPL, **changes):
        source = self.sources[device] = Source(watts)
        defaults = {"uncertainty": 0.05, "period": 0.001}
        self.meters.append(
            EnergyMeter(
                component=Component(component),
                device=device,
                method=EnergyMethod(method),
                latest=lambda: None,
                read=lambda: self._read(source),
                **defaults | changes,
            )
        )
        return source

    def advance(self, seconds):
        self.clock.advance(seconds)
        for source in self.sources.values():
            source.joules += source.watts * seconds

    def monitor(self, level="auto", **options):
        self.monitors.append(EnergyMonitor(level, meters=self.meters, clock=self.clock, **options))
        return self.monitors[-1]

    def _read(self, source):
        self.advance(self.read_seconds)
        source.reads += 1
        if source.failures:
            source.failures -= 1
            raise OSError("the driver is busy")
        if source.says != "energy":
            return source.says
        return EnergyReading(source.joules, self.clock.monotonic(), source.gaps)


@pytest.fixture
def machine(monkeypatch):
    """Without meters."""
    monkeypatch.setattr("collector_core.measure.monitor.IDLE_SECONDS", 0.0)  # its clock does not go on by itself
    machine = Machine()
    yield machine
    for monitor in machine.monitors:
        monitor.close()


@pytest.fixture
def server(machine):
    """Two processors with memory."""
    for socket in range(2):
        machine.add("cpu", f"package-{socket}", 100.0)
        machine.add("dram", f"dram-{socket}", 10.0)
    return machine
