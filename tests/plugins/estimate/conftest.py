"""A machine of which the test decides how busy it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector_core import Component, EnergyMeter
from collector_core.testing import Harness
from collector_plugins.estimate import Estimate

TICKS = 100


class Machine:
    """`cpus` CPUs of an Intel Xeon E5-2620 v3 below `root`, and a collector that looks at them."""

    def __init__(self, root: Path, *, cpus: int = 12, flags: str = "fpu", **options: Any) -> None:
        self.root, self.cpus = root, cpus
        self.busy = self.idle = 0.0
        for folder in ("proc", "sys"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        self.write("/proc/meminfo", f"MemTotal: {32 * 2**20} kB\n")
        self.write("/proc/cpuinfo", "\n".join(self._paragraph(cpu, flags) for cpu in range(cpus)))
        self.work(0.0, 0.0)
        self.harness = Harness(Estimate, root, **options)
        self.clock = self.harness.clock

    def _paragraph(self, cpu: int, flags: str) -> str:
        return (
            f"processor\t: {cpu}\nmodel name\t: Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz\n"
            f"physical id\t: 0\ncore id\t: {cpu % max(1, self.cpus // 2)}\nflags\t: {flags}\n"
        )

    def write(self, path: str, text: str) -> None:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def work(self, seconds: float, utilization: float) -> None:
        """Let every CPU count so many seconds, which does not move the clock."""
        self.busy += seconds * utilization * TICKS
        self.idle += seconds * (1 - utilization) * TICKS
        row = f"{round(self.busy)} 0 0 {round(self.idle)}"
        total = f"{round(self.busy) * self.cpus} 0 0 {round(self.idle) * self.cpus}"
        self.write("/proc/stat", "\n".join([f"cpu  {total}", *(f"cpu{cpu} {row}" for cpu in range(self.cpus)), ""]))

    def spend(self, seconds: float, utilization: float) -> None:
        """Let time pass, with every CPU so busy."""
        self.work(seconds, utilization)
        self.clock.advance(seconds)

    def run(self, seconds: float = 0.0, utilization: float = 0.0) -> None:
        self.spend(seconds, utilization)
        self.harness.run()

    def meter(self, component: Component = Component.CPU) -> EnergyMeter:
        return next(meter for meter in self.meters() if meter.component is component)

    def meters(self) -> tuple[EnergyMeter, ...]:
        collector: Any = self.harness.collector
        return tuple(collector.collector_energy_meters())

    def joules(self, component: Component = Component.CPU) -> float:
        reading = self.meter(component).latest()
        assert reading is not None
        return reading.joules


@pytest.fixture
def make_machine(tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    machines = []

    def make(**options: Any) -> Machine:
        machines.append(Machine(tmp_path / "root", **options))
        return machines[-1]

    yield make
    for machine in machines:
        machine.harness.close()


@pytest.fixture
def machine(make_machine: Callable[..., Machine]) -> Machine:
    return make_machine()
