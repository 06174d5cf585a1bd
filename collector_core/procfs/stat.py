"""How long CPUs were busy, from /proc/stat (proc_stat(5))."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

TICKS_PER_SECOND: int = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

_MODES = 8  # user, nice, system, idle, iowait, irq, softirq, steal; guests are within user and nice
_BUSY = (0, 1, 2, 5, 6)  # what this machine's CPUs did: not idle, iowait, and steal, when a hypervisor ran others


class CpuTicks(NamedTuple):
    """Ticks since boot that a CPU was busy, and all that passed for it."""

    busy: int
    total: int

    def since(self, before: CpuTicks) -> CpuTicks:
        """What passed after an earlier reading; negative where a counter fell."""
        return CpuTicks(self.busy - before.busy, self.total - before.total)

    @property
    def busy_seconds(self) -> float:
        """CPU time that was busy."""
        return self.busy / TICKS_PER_SECOND

    @property
    def total_seconds(self) -> float:
        """CPU time that passed: of all CPUs together, that of each added up."""
        return self.total / TICKS_PER_SECOND

    @property
    def utilization(self) -> float | None:
        """Share of the time that was busy, 0 to 1; None where no time passed or a counter fell."""
        return self.busy / self.total if 0 <= self.busy <= self.total and self.total else None


def cpu_ticks(stat: bytes) -> CpuTicks:
    """/proc/stat: of all CPUs together; raises `ValueError`."""
    line = stat.partition(b"\n")[0]
    if not line.startswith(b"cpu "):
        raise ValueError("/proc/stat: no times of the CPUs")
    return _ticks(line)


def cpu_ticks_by_cpu(stat: bytes) -> Iterator[tuple[int, CpuTicks]]:
    """/proc/stat: number and ticks of each CPU that is online; raises `ValueError`."""
    for line in stat.split(b"\n")[1:]:
        if not line.startswith(b"cpu"):
            return  # the CPUs come first, and the lines after them are long
        yield int(line[3 : line.index(b" ")]), _ticks(line)


def _ticks(line: bytes) -> CpuTicks:
    modes = [int(ticks) for ticks in line.split()[1 : 1 + _MODES]]
    if len(modes) < 4:
        raise ValueError("/proc/stat: a CPU without its times")
    return CpuTicks(sum(modes[mode] for mode in _BUSY if mode < len(modes)), sum(modes))
