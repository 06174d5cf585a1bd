"""How busy the CPUs were since the last reading, and how fast they ran."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from collector_core import Context, CpuTicks, cpu_ticks, cpu_ticks_by_cpu
from collector_plugins.estimate.power import Activity

HIGHEST_HERTZ = 20e9  # above any processor's; a driver that fails may return the largest number it has

_NOMINAL = re.compile(r"@ (\d+(?:\.\d+)?) ?GHz")


class CpuReading(NamedTuple):
    """CPU times at one moment."""

    total: CpuTicks
    by_cpu: Mapping[int, CpuTicks]

    @property
    def cpus(self) -> int:
        """CPUs that are online."""
        return len(self.by_cpu) or 1


class Cpus:
    """The CPUs below the configured root. `names` are what the kernel calls them, perhaps with their clock."""

    def __init__(self, ctx: Context, names: Sequence[str]) -> None:
        self._stat = ctx.path("/proc/stat")
        self._folder = ctx.path("/sys/devices/system/cpu")
        self._nominal = nominal_hertz(names)
        self._base: dict[int, float | None] = {}

    def read(self) -> CpuReading:
        """Read the CPU times; raises `OSError` and `ValueError`."""
        stat = self._stat.read_bytes()
        return CpuReading(cpu_ticks(stat), dict(cpu_ticks_by_cpu(stat)))

    def activity(self, before: CpuReading, after: CpuReading) -> Activity | None:
        """What they did from one reading to the next; None where CPU times fell or stood still."""
        utilization = after.total.since(before.total).utilization
        if utilization is None:
            return None
        busy = {
            cpu: ticks.busy - before.by_cpu[cpu].busy for cpu, ticks in after.by_cpu.items() if cpu in before.by_cpu
        }
        return Activity(utilization, self._clock({cpu: ticks for cpu, ticks in busy.items() if ticks > 0}))

    def _clock(self, busy: Mapping[int, int]) -> float:
        """Current by base clock, the mean of the busy CPUs by how busy they were; 1 where it is not known."""
        known = [(ratio, ticks) for cpu, ticks in busy.items() for ratio in self._ratio(cpu)]
        return sum(ratio * ticks for ratio, ticks in known) / sum(ticks for _, ticks in known) if known else 1.0

    def _ratio(self, cpu: int) -> Iterator[float]:
        now = _hertz(self._folder / f"cpu{cpu}/cpufreq/scaling_cur_freq", 1e3)
        if cpu not in self._base:
            self._base[cpu] = self._base_hertz(cpu)
        base = self._base[cpu]
        if now and base:
            yield now / base

    def _base_hertz(self, cpu: int) -> float | None:
        """By intel_pstate, by ACPI's CPPC (Documentation/admin-guide/pm/), or by the name of the processor."""
        folder = self._folder / f"cpu{cpu}"
        return (
            _hertz(folder / "cpufreq/base_frequency", 1e3)
            or _hertz(folder / "acpi_cppc/nominal_freq", 1e6)
            or self._nominal
        )


def nominal_hertz(names: Sequence[str]) -> float | None:
    """The base clock, where one of the names tells it: Intel's end with `@ 2.40GHz`."""
    matches = (_NOMINAL.search(name) for name in names)
    return next((float(match[1]) * 1e9 for match in matches if match), None)


def _hertz(file: Path, unit: float) -> float | None:
    try:
        hertz = float(file.read_bytes()) * unit
    except (OSError, ValueError):
        return None
    return hertz if 0 < hertz < HIGHEST_HERTZ else None
