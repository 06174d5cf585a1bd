"""A simulated machine whose runs the plugin observes, on a clock that the tests move."""

from __future__ import annotations

import copy
import math
import shutil
from random import Random
from typing import ClassVar, NamedTuple

import pytest

from collector_core import Collector, Result
from collector_core.testing import FakeClock, Harness
from collector_plugins.anomaly import Anomaly, metrics
from collector_plugins.rapl import ENERGY as RAPL_ENERGY
from collector_plugins.system import metrics as system

MIDNIGHT = 1_700_006_400.0  # UTC
ROW = 300.0  # seconds
DAY_ROWS = int(86_400 / ROW)
LEARNT_DAYS = 6
SYSTEM_METRICS = (
    system.CPU_USAGE, system.MEMORY_USED, system.LOAD_AVERAGE, system.TEMPERATURE, system.RECEIVE_BYTES,
    system.TRANSMIT_BYTES, system.RECEIVE_ERRORS, system.SWAP_USED,
)  # fmt: skip


class Host:
    """What happens on the machine: `load` (0 to 1) moves everything, `errors` is the network errors of each row."""

    def __init__(self, clock, seed=7):
        self.clock = clock
        self.random = Random(seed)
        self.load = 0.0
        self.changes = {}
        self.totals = dict.fromkeys(
            (system.RECEIVE_BYTES, system.TRANSMIT_BYTES, RAPL_ENERGY, system.RECEIVE_ERRORS), 0.0
        )
        self.noise = 0.0
        self.row = ROW
        self.errors = 0.0
        self.now = {}

    def copy(self, clock):
        """The same host on another clock."""
        other = copy.copy(self)
        other.clock, other.random = clock, copy.deepcopy(self.random)
        other.totals, other.changes = dict(self.totals), dict(self.changes)
        return other

    def change(self, metric, value):
        """Let a metric show this value, or nothing for None."""
        self.changes[metric] = value

    def step(self):
        """One row passes."""
        gauss = self.random.gauss
        day = (1 - math.cos(2 * math.pi * (self.clock.time() % 86_400) / 86_400)) / 2
        self.noise = 0.9 * self.noise + 0.1 * gauss(0, 1)
        busy = min(1.0, max(0.0, 0.08 + 0.08 * day + 0.03 * self.noise + gauss(0, 0.008) + self.load))
        self.totals[system.RECEIVE_BYTES] += max(0.0, 2e5 * (1 + day) * (1 + 0.3 * gauss(0, 1))) * self.row
        self.totals[system.TRANSMIT_BYTES] += max(0.0, 5e4 * (1 + day) * (1 + 0.3 * gauss(0, 1))) * self.row
        self.totals[RAPL_ENERGY] += (20 + 60 * busy + gauss(0, 0.5)) * self.row
        self.totals[system.RECEIVE_ERRORS] += self.errors
        self.now = (
            {
                system.CPU_USAGE: busy,
                system.MEMORY_USED: 4e9 + 2e8 * self.noise + gauss(0, 2e7) + 2e9 * self.load,
                system.LOAD_AVERAGE: max(0.0, 2 * busy + gauss(0, 0.02)),
                system.TEMPERATURE: 40 + 30 * busy + gauss(0, 0.4),
                system.SWAP_USED: 0.0,
            }
            | self.totals
            | self.changes
        )

    def restart_counters(self):
        """All counters start again at 0."""
        self.totals = dict.fromkeys(self.totals, 0.0)


class SimulatedSystem(Collector):
    """What the plugin `system` would publish."""

    name = "system"
    metrics = SYSTEM_METRICS
    host: Host

    labels_of: ClassVar = {
        system.LOAD_AVERAGE: {"period": "5m"},
        system.TEMPERATURE: {"chip": "k10temp", "sensor": "Tctl"},
        system.RECEIVE_BYTES: {"device": "eth0"},
        system.TRANSMIT_BYTES: {"device": "eth0"},
        system.RECEIVE_ERRORS: {"device": "eth0"},
    }

    def collect(self, out):
        for metric in self.metrics:
            if self.host.now[metric] is not None:
                out.add(metric, self.host.now[metric], **self.labels_of.get(metric, {}))


class SimulatedRapl(Collector):
    """What the plugin `rapl` would publish."""

    name = "rapl"
    metrics = (RAPL_ENERGY,)
    host: Host

    def collect(self, out):
        out.add(RAPL_ENERGY, self.host.now[RAPL_ENERGY], package="0", zone="package-0", path="intel-rapl:0")


class Machine:
    """The simulated machine and the plugin, row by row of five minutes."""

    def __init__(self, make, folder, *, clock=None, host=None, seed=7, row=ROW, **options):
        self.clock = clock or FakeClock(wall_time=MIDNIGHT)
        self.host = host or Host(self.clock, seed)
        self.row = self.host.row = row
        self.sources = [make(cls, clock=self.clock) for cls in (SimulatedSystem, SimulatedRapl)]
        for source in self.sources:
            source.collector.host = self.host
        fixed = {"state_dir": str(folder), "history_days": 0, "save_every": "1d", "time_zone": "UTC"}
        self.anomaly = make(Anomaly, clock=self.clock, row=row, **(fixed | options))
        self.plugin = self.anomaly.collector

    def rows(self, count, *, result=Result.OK):
        """Let so many rows pass, with this result of the machine's collectors; returns the incidents that begin."""
        known = {each.id for each in self.incidents()}
        for _ in range(int(count)):
            self.clock.advance(self.row)
            self.host.step()
            for source in self.sources:
                source.run()
                self.anomaly.hear(source.report(result))
            self.anomaly.run()
        return [each for each in reversed(self.incidents()) if each.id not in known]

    def days(self, count):
        """The same, for days."""
        return self.rows(count * 86_400 / self.row)

    def incidents(self):
        """All that are kept, newest first."""
        return self.plugin._latest

    def active(self):
        """Component and type of the incidents that last."""
        return {key[:2] for key, number in self.anomaly.series(metrics.ACTIVE).items() if number}

    def watched(self, series):
        """One watched series."""
        return self.plugin.watcher.series[series]


class Learnt(NamedTuple):
    """A machine that was watched for six days, and has been saved."""

    folder: object
    clock: FakeClock
    host: Host


@pytest.fixture(scope="session")
def learnt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learnt")
    made = []

    def make(*args, **options):
        made.append(Harness(*args, **options))
        return made[-1]

    found = Machine(make, folder)
    assert found.days(LEARNT_DAYS) == []
    for harness in made:
        harness.close()
    return Learnt(folder, found.clock, found.host)


@pytest.fixture
def machine(collector_harness, tmp_path):
    """Makes a machine that nobody has watched yet."""

    def make(**options):
        return Machine(collector_harness, tmp_path / "state", **options)

    return make


@pytest.fixture
def learnt_machine(collector_harness, tmp_path, learnt):
    """Makes a machine that was watched for six days; the plugin was restarted two rows ago, and has closed one."""

    def make(**options):
        shutil.copytree(learnt.folder, tmp_path / "state")
        clock = copy.copy(learnt.clock)
        host = learnt.host.copy(clock)
        found = Machine(collector_harness, tmp_path / "state", clock=clock, host=host, **options)
        assert found.rows(2) == []
        return found

    return make
