"""A machine whose truth is known: CPU time in control groups, memory, and a RAPL tree, with the real ledger over it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from collector_core.testing import FakeClock
from collector_plugins.energy import Energy
from collector_plugins.rapl import Rapl
from collector_plugins.workloads import Workloads, metrics
from tests.powercap import PowercapTree

CPUS = 4
MEMORY_KIB = 16 << 20


class Host:
    """Writes `/proc` and `/sys` below `root`; CPU time is spent in seconds, memory given in bytes."""

    def __init__(self, root: Path, *, version: int = 2) -> None:
        self.root = root
        self.version = version
        self.busy = 1_000.0
        self.usage: dict[str, float] = {}
        self.memory: dict[str, int] = {}
        self.used_memory = 4 << 30
        self.mount = root / ("sys/fs/cgroup" if version == 2 else "sys/fs/cgroup/cpu,cpuacct")
        self.mount.mkdir(parents=True)
        (self.mount / ("cgroup.controllers" if version == 2 else "cpuacct.usage")).write_text("1\n")
        (root / "proc").mkdir()
        self.write_proc()

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def write_proc(self) -> None:
        ticks = round(self.busy * 100)
        line = f"{ticks} 0 0 1000000 0 0 0 0 0 0"
        cpus = "".join(f"cpu{number} {line}\n" for number in range(CPUS))
        self.write("proc/stat", f"cpu  {line}\n{cpus}")
        available = MEMORY_KIB - (self.used_memory >> 10)
        self.write("proc/meminfo", f"MemTotal: {MEMORY_KIB} kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n")

    def make(self, path: str, usage: float = 0.0, memory: int = 0) -> None:
        """A group and those above it."""
        parts = path.strip("/").split("/")
        for end in range(1, len(parts) + 1):
            group = "/" + "/".join(parts[:end])
            self.usage.setdefault(group, 0.0)
            self.memory.setdefault(group, 0)
        for group in self._chain(path):
            self.usage[group] += usage
            self.memory[group] += memory
            self._write_group(group)

    def spend(self, path: str, seconds: float) -> None:
        """Use CPU time in a group."""
        self.busy += seconds
        for group in self._chain(path):
            self.usage[group] += seconds
            self._write_group(group)
        self.write_proc()

    def spend_outside(self, seconds: float) -> None:
        """What threads of the kernel do."""
        self.busy += seconds
        self.write_proc()

    def remove(self, path: str) -> None:
        """The groups above keep the time."""
        for group in [each for each in self.usage if each == path or each.startswith(path + "/")]:
            memory = self.memory.pop(group)
            del self.usage[group]
            if group == path:
                for above in self._chain(path)[:-1]:
                    self.memory[above] -= memory
                    self._write_group(above)
        shutil.rmtree(self.mount / path.strip("/"))

    def _chain(self, path: str) -> list[str]:
        parts = path.strip("/").split("/")
        return ["/" + "/".join(parts[:end]) for end in range(1, len(parts) + 1)]

    def _write_group(self, group: str) -> None:
        name = f"{self.mount.relative_to(self.root)}{group}"
        if self.version == 2:
            self.write(f"{name}/cpu.stat", f"usage_usec {round(self.usage[group] * 1e6)}\nuser_usec 0\n")
            self.write(f"{name}/memory.current", f"{self.memory[group]}\n")
            self.write(f"{name}/memory.stat", "anon 1\ninactive_file 0\n")
        else:
            self.write(f"{name}/cpuacct.usage", f"{round(self.usage[group] * 1e9)}\n")
            self.write(f"sys/fs/cgroup/memory{group}/memory.usage_in_bytes", f"{self.memory[group]}\n")
            self.write(f"sys/fs/cgroup/memory{group}/memory.stat", "cache 1\ntotal_inactive_file 0\n")


class Site:
    """A host with RAPL, the ledger and the plugin, all on one clock."""

    def __init__(self, host: Host, harness, *, cpu: float = 100.0, dram: float = 20.0, meters=(), **options) -> None:
        self.host = host
        self.clock = FakeClock()
        self.powercap = PowercapTree(host.root)
        self.package = self.powercap.add("intel-rapl:0", "package-0", cpu)
        self.dram = self.powercap.add("intel-rapl:0:0", "dram", dram)
        self.rapl = harness(Rapl, host.root, clock=self.clock, interval=1.0)
        self.meters = meters
        self.energy = harness(Energy, host.root, clock=self.clock, energy_meters=self.all_meters)
        self._harness, self._options = harness, options
        self.workloads = self.start()
        for collector in (self.rapl, self.energy, self.workloads):
            collector.run()

    def start(self, **options):
        """The plugin, as after a restart of it."""
        return self._harness(
            Workloads,
            self.host.root,
            clock=self.clock,
            published=self.energy.published,
            energy_meters=self.all_meters,
            **{**self._options, **options},
        )

    def all_meters(self):
        """What the other collectors hand over."""
        return [*self.rapl.collector.collector_energy_meters(), *self.meters]

    def end(self) -> None:
        """As the end of the program."""
        asyncio.run(self.workloads.collector.close())

    def run(self, seconds: float = 10.0) -> None:
        """Let time pass, and run all collectors."""
        self.clock.advance(seconds)
        self.powercap.advance(seconds)
        self.rapl.run()
        self.energy.run()
        self.workloads.run()
        self.check()

    def joules(self, component: str = "cpu") -> dict[tuple[str, ...], float]:
        """By kind, name, namespace and part, where there are any."""
        series = self.workloads.series(metrics.ENERGY)
        return {key[:-1]: value for key, value in series.items() if key[-1] == component and value}

    def named(self, name: str, component: str = "cpu") -> float:
        return sum(value for key, value in self.joules(component).items() if key[1] == name)

    def of(self, metric, component: str = "cpu") -> float:
        value = self.workloads.value(metric, component=component)
        assert value is not None
        return value

    def ledger(self, component: str) -> float:
        snapshot = self.energy.published()[0].snapshot
        return sum(
            value
            for metric in snapshot.layout.metrics
            if metric.name == "energy_joules_total"
            for key, value in snapshot.series(metric)
            if key[0] == component
        )

    def check(self) -> None:
        """Each joule once."""
        for component in sorted({component for (component,) in self.workloads.series(metrics.MEASURED)}):
            measured = self.of(metrics.MEASURED, component)
            parts = sum(self.of(metric, component) for metric in (metrics.IDLE, metrics.UNATTRIBUTED, metrics.ENDED))
            assert parts + sum(self.joules(component).values()) == pytest.approx(measured, rel=1e-9, abs=1e-6)
            assert measured == pytest.approx(self.ledger(component))
            if measured:
                assert self.of(metrics.CONSERVATION, component) == pytest.approx(1, abs=1e-6)


@pytest.fixture(autouse=True)
def state_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path / "root")


@pytest.fixture
def site(host, collector_harness):
    """Starts the collectors: `site(idle_watts=…)`."""

    def start(**options):
        return Site(host, collector_harness, **options)

    return start
