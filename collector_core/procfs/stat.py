"""How long CPUs were busy, from /proc/stat (proc_stat(5))."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

CLOCK_TICKS_PER_SECOND: int = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

# The modes do not overlap: the time of guests is within user and nice.
CPU_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_BUSY = (0, 1, 2, 5, 6)  # what this machine's CPUs did: not idle, iowait, and steal, when a hypervisor ran others
_ROUGHLY_ALL = 1.1
_LEAST_MODES = 4
_MOST_BYTES = 256  # of a line: ten numbers of 64 bits


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
        return self.busy / CLOCK_TICKS_PER_SECOND

    @property
    def total_seconds(self) -> float:
        """CPU time that passed: of all CPUs together, that of each added up."""
        return self.total / CLOCK_TICKS_PER_SECOND

    @property
    def utilization(self) -> float | None:
        """Share of the time that was busy, 0 to 1; None where no time passed or a counter fell.

        A little more than 1 is a step back of iowait or idle, which the kernel's counters do by a tick now and then.
        """
        share = self.busy / self.total if self.total > 0 else -1.0
        return min(1.0, share) if 0 <= share <= _ROUGHLY_ALL else None


def cpu_ticks(stat: bytes) -> CpuTicks:
    """/proc/stat: of all CPUs together; raises `ValueError`."""
    return _ticks(_modes(stat.partition(b"\n")[0], b"cpu"))


def cpu_ticks_by_cpu(stat: bytes) -> Iterator[tuple[int, CpuTicks]]:
    """/proc/stat: number and ticks of each CPU that is online; a line that cannot be read is left out."""
    for name, line in _lines(stat):
        with suppress(ValueError):
            if name != b"cpu":
                yield int(name[3:]), _ticks(_modes(line, name))


def count_cpus(stat: bytes) -> int:
    """/proc/stat: number of CPUs that are online."""
    return stat.count(b"\ncpu")


def _lines(stat: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in stat.split(b"\n"):
        if not line.startswith(b"cpu"):
            return  # the CPUs come first, and the lines after them are long
        yield line.partition(b" ")[0], line


def _modes(line: bytes, name: bytes) -> list[int]:
    fields = line.split(None, len(CPU_MODES) + 1)
    modes = [int(ticks) for ticks in fields[1 : len(CPU_MODES) + 1]]
    if fields[:1] != [name] or len(modes) < _LEAST_MODES or len(line) > _MOST_BYTES:
        raise ValueError("/proc/stat: a CPU without its times")
    return modes


def _ticks(modes: list[int]) -> CpuTicks:
    return CpuTicks(sum([modes[mode] for mode in _BUSY if mode < len(modes)]), sum(modes))
