"""What the processes below one of ours use, from the kernel's /proc. Formats: proc_pid_stat(5), proc_pid_io(5)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from collector_core.procfs.stat import TICKS_PER_SECOND

PROC = Path("/proc")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


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


def has_children() -> bool:
    """Whether this process has children, such that ended and wait to be seen off included."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def below(pid: int, proc: Path = PROC) -> Consumption:
    """What the living descendants of a process use, with what those that they have seen off used."""
    total = Consumption()
    for each in descendants(pid, proc):
        total += _consumption(proc / str(each))
    return total


def descendants(pid: int, proc: Path = PROC) -> Iterator[int]:
    """The living descendants of a process; those that end or begin meanwhile may be missing."""
    waiting = [pid]
    while waiting:
        children = list(_children(proc / str(waiting.pop())))
        yield from children
        waiting += children


def parse_stat(stat: bytes) -> tuple[float, int]:
    """CPU seconds, with those of children it has seen off, and resident bytes; raises `ValueError`.

    The second field is the program's name in brackets, which may hold brackets and blanks itself.
    """
    fields = stat.rpartition(b")")[2].split()
    if len(fields) < 22:
        raise ValueError("/proc/PID/stat ends too early")
    return sum(map(int, fields[11:15])) / TICKS_PER_SECOND, int(fields[21]) * PAGE_BYTES


def parse_io(io: bytes) -> int:
    """Bytes that were read from and written to disks; raises `ValueError`."""
    values = dict(line.split(b": ", 1) for line in io.splitlines())
    try:
        return int(values[b"read_bytes"]) + int(values[b"write_bytes"])
    except KeyError as error:
        raise ValueError("/proc/PID/io does not say what was read and written") from error


def _children(process: Path) -> Iterator[int]:
    """Every thread has children of its own."""
    for thread in _names(process / "task"):
        yield from map(int, _content(process / "task" / thread / "children").split())


def _consumption(process: Path) -> Consumption:
    """Nothing of a process that has ended; another user's may keep its disk traffic to itself."""
    try:
        cpu_seconds, memory = parse_stat(_content(process / "stat"))
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
