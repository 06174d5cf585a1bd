"""Processes in the kernel's /proc: what one uses, and which are below another. See proc_pid_stat(5), proc_pid_io(5)."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from collector_core.procfs.stat import CLOCK_TICKS_PER_SECOND

PROC = Path("/proc")
PAGE_BYTES: int = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

ENDED_STATES = frozenset(b"ZXx")
_MOST_TICKS = 1 << 64
_FIELDS = 22  # from the state to the resident pages


class Turns:
    """Goes through many processes, a part at a time, so that each has its turn about once in `runs` calls."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        self._waiting: list[str] = []

    def next_of(self, pids: Collection[str]) -> Sequence[str]:
        """Those whose turn it is; some may have gone from `pids` since their round began."""
        if not self._waiting:
            self._waiting = list(pids)
        share = 1 + len(pids) // self._runs
        part, self._waiting = self._waiting[:share], self._waiting[share:]
        return part


class ProcessStat(NamedTuple):
    """What /proc/PID/stat says of a process; times are in ticks (`CLOCK_TICKS_PER_SECOND`).

    `state` is the code of a letter, such as `ord("S")`. `cpu_ticks` holds the time of guests. `start` is counted from
    boot: pid and start together tell a process from all others since then. `fields` are all as they are written, from
    the state to the resident pages; what few ask for is parsed when they do, and may raise `ValueError` then.
    """

    state: int
    cpu_ticks: int
    threads: int
    start: int
    fields: Sequence[bytes]

    @property
    def has_ended(self) -> bool:
        """Whether it only waits for its parent to take note of its end."""
        return self.state in ENDED_STATES

    @property
    def parent(self) -> int:
        """The pid of its parent."""
        return int(self.fields[1])

    @property
    def reaped_ticks(self) -> int:
        """CPU time of its children that have ended and that it has waited for."""
        return int(self.fields[13]) + int(self.fields[14])

    @property
    def resident_bytes(self) -> int:
        """Memory that it has in RAM."""
        return int(self.fields[21]) * PAGE_BYTES


class Consumption(NamedTuple):
    """CPU seconds, resident memory in bytes, bytes read from and written to disks; all summed over processes."""

    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    disk_bytes: int = 0

    def __add__(self, other: object) -> Consumption:
        if not isinstance(other, Consumption):
            return NotImplemented
        return Consumption(
            self.cpu_seconds + other.cpu_seconds,
            self.memory_bytes + other.memory_bytes,
            self.disk_bytes + other.disk_bytes,
        )


def parse_process_stat(line: bytes) -> ProcessStat:
    """/proc/PID/stat; raises `ValueError`.

    The program's name is in brackets and may hold brackets and blanks itself: the fields begin after the last one.
    """
    fields = line[line.rindex(b")") + 2 :].split(b" ", _FIELDS)
    if len(fields) < _FIELDS or not fields[0]:
        raise ValueError("/proc/PID/stat ends too early")
    cpu_ticks = int(fields[11]) + int(fields[12])
    if not 0 <= cpu_ticks <= _MOST_TICKS:
        raise ValueError("/proc/PID/stat has a CPU time that cannot be")
    return ProcessStat(fields[0][0], cpu_ticks, int(fields[17]), int(fields[19]), fields)


def parse_io(io: bytes) -> int:
    """Bytes that were read from and written to disks; raises `ValueError`."""
    values = dict(line.split(b": ", 1) for line in io.splitlines())
    try:
        return int(values[b"read_bytes"]) + int(values[b"write_bytes"])
    except KeyError as error:
        raise ValueError("/proc/PID/io does not say what was read and written") from error


def has_children() -> bool:
    """Whether this process has children, those included that have ended and were not waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def consumption_below(pid: int, proc: Path = PROC) -> Consumption:
    """What the living descendants of a process use, with what those used that they have waited for."""
    total = Consumption()
    for each in descendants(pid, proc):
        total += _consumption(proc / str(each))
    return total


def descendants(pid: int, proc: Path = PROC) -> Iterator[int]:
    """The living descendants of a process; those that end or begin meanwhile may be missing."""
    waiting = [pid]
    while waiting:
        children = list(children_of(waiting.pop(), proc))
        yield from children
        waiting += children


def children_of(pid: int, proc: Path = PROC) -> Iterator[int]:
    """The living children of a process: every thread has its own."""
    process = proc / str(pid)
    for thread in _names(process / "task"):
        children = _content(process / "task" / thread / "children").split()
        yield from (int(pid) for pid in children if pid.isdigit())


def _consumption(process: Path) -> Consumption:
    """Nothing of a process that has ended; another user's may keep its disk traffic to itself."""
    try:
        stat = parse_process_stat(_content(process / "stat"))
        cpu_seconds = (stat.cpu_ticks + stat.reaped_ticks) / CLOCK_TICKS_PER_SECOND
        memory = stat.resident_bytes
    except ValueError:
        return Consumption()
    try:
        disk = parse_io(_content(process / "io"))
    except ValueError:
        disk = 0
    return Consumption(cpu_seconds, memory, disk)


def _names(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208 - names are what is needed
    except OSError:
        return []


def _content(file: Path) -> bytes:
    """Nothing where the process has ended, or where the kernel was built without the file."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
