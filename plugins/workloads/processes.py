"""Processes that are workloads of their own: named groups, and virtual machines that run in no scope of their own."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from collector_core.procfs import (
    CLOCK_TICKS_PER_SECOND,
    CgroupTree,
    KeptFile,
    Turns,
    is_kernel_mount,
    parse_process_stat,
    read_file,
)
from collector_core.procfs import ProcessStat as Stat
from collector_plugins.workloads.paths import Workload, workload_of

STAT_BYTES = 2048
CGROUP_BYTES = 16384
YOUNG_RUNS = 2  # for so many runs a new process may still become another program
ALL_RUNS = 24  # and every process is looked at again once in so many


class Chooser(Protocol):
    """Says which workload a process is by itself; None for most of them."""

    def __call__(self, pid: str, name: str, above: Callable[[], Workload | None]) -> Workload | None:
        """`name` is the process's name, `above` tells the workload of its control group."""


class Carved(NamedTuple):
    """What a workload of processes used, and the workload that it is taken out of; None: no control group has it."""

    workload: Workload
    above: Workload | None
    cpu_seconds: float
    resident_bytes: int


class _Followed:
    """A process of a workload; times are in ticks, `total` with those of the children that it has waited for."""

    __slots__ = ("above", "file", "parent", "reaped", "resident", "start", "threads", "total", "workload")

    def __init__(self, workload: Workload, above: Workload | None, file: KeptFile, stat: Stat) -> None:
        self.workload = workload
        self.above = above
        self.file = file
        self.start = stat.start
        self.total = self.reaped = 0
        self.take(stat)

    def take(self, stat: Stat) -> tuple[int, int]:
        """Note a reading; returns how much `total` and `reaped` grew."""
        reaped = stat.reaped_ticks
        total = stat.cpu_ticks + reaped
        grown = max(0, total - self.total), max(0, reaped - self.reaped)
        self.total, self.reaped = total, reaped
        self.parent, self.resident, self.threads = str(stat.parent), stat.resident_bytes, stat.threads
        return grown


class Processes:
    """Follows the processes that `choose` names, by pid and start time.

    A process brings what its ended children used, too: what one of them had brought itself is not counted again.
    """

    def __init__(self, proc: Path, hierarchy: CgroupTree, choose: Chooser) -> None:
        self._proc = str(proc)
        self._hierarchy = hierarchy
        self._choose = choose
        self._is_kernels = is_kernel_mount(proc)
        self._followed: dict[str, _Followed] = {}
        self._others: set[str] = set()
        self._young: deque[set[str]] = deque(maxlen=YOUNG_RUNS)
        self._turns = Turns(ALL_RUNS)
        self._is_first = True
        self.carved: Sequence[Carved] = ()
        self.found_seconds = 0.0

    @property
    def pids(self) -> Sequence[str]:
        """Those that are followed."""
        return list(self._followed)

    @property
    def workloads(self) -> Sequence[Workload]:
        """The workload of each that is followed."""
        return [process.workload for process in self._followed.values()]

    @property
    def threads(self) -> int:
        """Threads of all that are followed."""
        return sum(process.threads for process in self._followed.values())

    @property
    def resident_bytes(self) -> int:
        """Memory in RAM of all that are followed."""
        return sum(process.resident for process in self._followed.values())

    def read(self) -> None:
        """Look at all processes; `carved` then says what those that are workloads used since the last look.

        `found_seconds` is what those had used before that were there already when they were found.
        """
        found_ticks = 0
        try:
            present = {name for name in os.listdir(self._proc) if name.isdecimal()}  # noqa: PTH208 - thousands
        except OSError:
            present = set()
        ticks = self._read_followed(present)
        new = present - self._others - self._followed.keys()
        again = (set(self._turns.next_of(self._others)).union(*self._young) & present) - self._followed.keys()
        for pid in new | again:
            if found := self._examine(pid):
                self._followed[pid] = found
                is_young = pid in new and not self._is_first
                ticks[pid] = found.total if is_young else 0
                found_ticks += 0 if is_young else found.total
        self._others = present - self._followed.keys()
        if not self._is_first:
            self._young.append(new)
        self._is_first = False
        self.carved = list(self._sum(ticks))
        self.found_seconds = found_ticks / CLOCK_TICKS_PER_SECOND

    def owner_of(self, pid: str) -> Workload | None:
        """The workload that a process belongs to; None where none has it, and where it has ended."""
        try:
            line = read_file(f"{self._proc}/{pid}/stat", STAT_BYTES)
            return self._choose(pid, _name(line), partial(self._above, pid)) or self._above(pid)
        except (OSError, ValueError):
            return None

    def group_owner_of(self, pid: str) -> Workload | None:
        """The workload of a process's control group; None where none has it, and where it has ended."""
        try:
            return self._above(pid)
        except (OSError, ValueError):
            return None

    def follow(self, hierarchy: CgroupTree) -> None:
        """From now on control groups are those of another hierarchy; every process is looked at again."""
        self._hierarchy = hierarchy
        self._young.append(set(self._others))

    def close(self) -> None:
        """Let go of every file; the next look opens them again."""
        for each in self._followed.values():
            each.file.close()

    def _read_followed(self, present: set[str]) -> dict[str, int]:
        grown: dict[str, int] = {}
        reaped: dict[str, int] = {}
        ended: list[_Followed] = []
        for pid, process in list(self._followed.items()):
            stat = self._stat(process) if pid in present else None
            if stat is None:
                process.file.close()
                ended.append(self._followed.pop(pid))
            else:
                grown[pid], reaped[pid] = process.take(stat)
        for process in ended:
            counted = min(process.total, reaped.get(process.parent, 0))
            if counted:
                grown[process.parent] -= counted
                reaped[process.parent] -= counted
        return grown

    def _stat(self, process: _Followed) -> Stat | None:
        """None where the process is gone, or another one has its pid."""
        try:
            stat = parse_process_stat(process.file.read(STAT_BYTES))
        except (OSError, ValueError):
            return None
        return stat if stat.start == process.start else None

    def _examine(self, pid: str) -> _Followed | None:
        try:
            line = read_file(f"{self._proc}/{pid}/stat", STAT_BYTES)
            workload = self._choose(pid, _name(line), partial(self._above, pid))
            if workload is None:
                return None
            file = KeptFile(f"{self._proc}/{pid}/stat", is_kernels=self._is_kernels)
            return _Followed(workload, self._above(pid), file, parse_process_stat(line))
        except (OSError, ValueError):
            return None

    def _above(self, pid: str) -> Workload | None:
        """The workload of a process's control group; None for the root, and for groups outside our namespace."""
        group = self._hierarchy.group_of(read_file(f"{self._proc}/{pid}/cgroup", CGROUP_BYTES))
        if group is None or group == "/" or ".." in group.split("/"):
            return None
        return workload_of(group)

    def _sum(self, ticks: dict[str, int]) -> Iterator[Carved]:
        sums: dict[tuple[Workload, Workload | None], tuple[int, int]] = {}
        for pid, process in self._followed.items():
            key = process.workload, process.above
            used, resident = sums.get(key, (0, 0))
            sums[key] = used + max(0, ticks.get(pid, 0)), resident + process.resident
        for (workload, above), (used, resident) in sums.items():
            yield Carved(workload, above, used / CLOCK_TICKS_PER_SECOND, resident)


def _name(stat: bytes) -> str:
    return os.fsdecode(stat[stat.index(b"(") + 1 : stat.rindex(b")")])
