"""A simulated machine whose runs the plugin sees, on a clock that the tests move."""

from __future__ import annotations

import math
from random import Random

import pytest

from collector_core import Collector, Counter, Gauge, Unit
from collector_core.testing import FakeClock
from collector_plugins.anomaly import Anomaly, metrics

CPU = Gauge("system_cpu_usage_ratio", "CPU.", Unit.RATIO)
MEMORY = Gauge("system_memory_used_bytes", "Memory.", Unit.BYTES)
LOAD = Gauge("system_load_average", "Load.", labels=("period",))
TEMPERATURE = Gauge("system_temperature_celsius", "Heat.", Unit.CELSIUS, ("chip", "sensor"))
RECEIVED = Counter("system_network_receive_bytes_total", "Network.", Unit.BYTES, ("device",))
SENT = Counter("system_network_transmit_bytes_total", "Network.", Unit.BYTES, ("device",))
ERRORS = Counter("system_network_receive_errors_total", "Errors.", labels=("device",))
ENERGY = Counter("rapl_energy_joules_total", "Energy.", Unit.JOULES, ("path",))
SWAP = Gauge("system_swap_used_bytes", "Swap.", Unit.BYTES)
MIDNIGHT = 1_700_006_400.0  # a midnight of UTC


class Sim(Collector):
    """What a machine shows: `load` (0 to 1) moves everything; `changes` overrides values by metric, None hides one."""

    name = "system"
    metrics = (CPU, MEMORY, LOAD, TEMPERATURE, RECEIVED, SENT, ERRORS, ENERGY, SWAP)

    def __init__(self, config, ctx):
        super().__init__(config, ctx)
        self.random = Random(7)
        self.load = 0.0
        self.changes = {}
        self.totals = dict.fromkeys((RECEIVED, SENT, ENERGY, ERRORS), 0.0)
        self.noise = 0.0
        self.seconds = 60.0
        self.errors = 0.0

    def collect(self, out):
        values = self.values()
        for metric, (usual, labels) in values.items():
            value = self.changes.get(metric, usual)
            if value is not None:
                out.add(metric, value, **labels)

    def values(self):
        day = (1 - math.cos(2 * math.pi * (self.ctx.clock.time() % 86_400) / 86_400)) / 2
        self.noise = 0.9 * self.noise + 0.1 * self.random.gauss(0, 1)
        busy = min(1.0, max(0.0, 0.08 + 0.08 * day + 0.03 * self.noise + self.random.gauss(0, 0.008) + self.load))
        gauss = self.random.gauss
        self.totals[RECEIVED] += max(0.0, 2e5 * (1 + day) * (1 + 0.3 * gauss(0, 1))) * self.seconds
        self.totals[SENT] += max(0.0, 5e4 * (1 + day) * (1 + 0.3 * gauss(0, 1))) * self.seconds
        self.totals[ENERGY] += (20 + 60 * busy + gauss(0, 0.5)) * self.seconds
        self.totals[ERRORS] += self.errors
        return {
            CPU: (busy, {}),
            MEMORY: (4e9 + 2e8 * self.noise + gauss(0, 2e7) + 2e9 * self.load, {}),
            LOAD: (max(0.0, 2 * busy + gauss(0, 0.02)), {"period": "5m"}),
            TEMPERATURE: (40 + 30 * busy + gauss(0, 0.4), {"chip": "k10temp", "sensor": "Tctl"}),
            RECEIVED: (self.totals[RECEIVED], {"device": "eth0"}),
            SENT: (self.totals[SENT], {"device": "eth0"}),
            ENERGY: (self.totals[ENERGY], {"path": "intel-rapl:0"}),
            ERRORS: (self.totals[ERRORS], {"device": "eth0"}),
            SWAP: (0.0, {}),
        }


class Machine:
    """The simulated machine and the plugin, row by row of five minutes."""

    def __init__(self, make, folder, *, clock=None, seed=7, row=300.0, **options):
        self.clock = clock or FakeClock(wall_time=MIDNIGHT)
        self.sim = make(Sim, clock=self.clock)
        self.system = self.sim.collector
        self.system.random = Random(seed)
        self.row = self.system.seconds = row
        options = {"state_dir": str(folder), "history_days": 0} | options
        self.anomaly = make(Anomaly, clock=self.clock, row=row, **options)

    def rows(self, count, *, heard=True):
        """Let so many rows pass, in which the plugin hears of the machine or not; returns what began in them."""
        known = {each.id for each in self.records()}
        for _ in range(int(count)):
            self.clock.advance(self.row)
            if heard:
                self.sim.run()
                self.anomaly.hear(self.sim.report())
            self.anomaly.run()
        return [each for each in reversed(self.records()) if each.id not in known]

    def days(self, count):
        """The same, for days."""
        return self.rows(count * 86_400 / self.row)

    def records(self):
        """All that are kept, the newest first."""
        return self.anomaly.collector._latest

    def active(self):
        """The anomalies that go on: component and type."""
        return {key[:2] for key, number in self.anomaly.series(metrics.ACTIVE).items() if number}


@pytest.fixture
def machine(collector_harness, tmp_path):
    def make(**options):
        return Machine(collector_harness, tmp_path / "state", **options)

    return make
