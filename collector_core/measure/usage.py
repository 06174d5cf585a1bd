"""What this process and those below it use, and how busy the machine is; read in a few microseconds."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple, TypeVar

from collector_core.procfs import processes
from collector_core.procfs.kept_file import KeptFile
from collector_core.procfs.processes import Consumption

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None

_BYTES = 32768
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024
CPUS = os.cpu_count() or 1  # asked once, because the C library reads a file for it

NO_MEMORY = b"0 0"
NOTHING = Consumption()

Number = TypeVar("Number", int, float)


class Usage(NamedTuple):
    """Totals at one moment, as the kernel wrote them where that is text; None is what this machine does not say.

    CPU time in seconds and resident memory in bytes are those of the process tree, `below` is what the living processes
    below this one have of them. `memory_high_bytes` is the most that this process ever had resident.
    """

    cpu_seconds: float
    memory_high_bytes: int
    statm: bytes | None
    uptime: bytes | None
    network: bytes | None
    disk: bytes | None
    below: Consumption

    @property
    def memory_bytes(self) -> int | None:
        """Resident memory."""
        own = parsed(parse_statm, self.statm)
        return None if own is None else own + self.below.memory_bytes


class Difference(NamedTuple):
    """What was used between two moments; None is what is not known."""

    cpu_seconds: float
    busy_seconds: float | None
    network_bytes: int | None
    disk_bytes: int | None


def difference(earlier: Usage, later: Usage) -> Difference:
    """CPU seconds of the process tree and of all that runs here, bytes of all networks and of the tree's disks."""
    disk = grown(processes.parse_io, earlier.disk, later.disk)
    return Difference(
        max(0.0, later.cpu_seconds - earlier.cpu_seconds),
        grown(parse_uptime, earlier.uptime, later.uptime),
        grown(parse_network, earlier.network, later.network),
        None if disk is None else disk + later.below.disk_bytes - earlier.below.disk_bytes,
    )


class ProcessTree:
    """This process, where it counts, and all below it. Safe to use on any thread."""

    def __init__(self, *, with_self: bool = True) -> None:
        self._with_self = with_self
        self._pid = os.getpid()
        self._memory = kernel_file("/proc/self/statm")
        self._disk = kernel_file("/proc/self/io")
        self._network = kernel_file("/proc/self/net/dev")
        self._uptime = kernel_file("/proc/uptime")

    def read(self) -> Usage:
        """Everything at this moment."""
        below = self._below()
        cpu, high = below.cpu_seconds + _ended_children(), 0
        if self._with_self:
            own, high = _own()
            cpu += own
        return Usage(
            cpu,
            high,
            self._statm(),
            read_or_none(self._uptime),
            read_or_none(self._network),
            read_or_none(self._disk),
            below,
        )

    def memory_bytes(self) -> int | None:
        """Resident memory at this moment."""
        own = parsed(parse_statm, self._statm())
        return None if own is None else own + self._below().memory_bytes

    def close(self) -> None:
        """Let go of all files."""
        for file in (self._memory, self._disk, self._network, self._uptime):
            file.close()

    def _statm(self) -> bytes | None:
        return read_or_none(self._memory) if self._with_self else NO_MEMORY

    def _below(self) -> Consumption:
        if os.getpid() != self._pid:
            self._follow_fork()
        return processes.consumption_below(self._pid) if processes.has_children() else NOTHING

    def _follow_fork(self) -> None:
        """The files that were opened before a fork are those of the parent."""
        self.close()
        self._pid = os.getpid()


def _own() -> tuple[float, int]:
    """CPU seconds of this process, and the most bytes that it had resident: 0 where nobody says so."""
    if resource is None:
        return time.process_time(), 0
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime, own.ru_maxrss * _MAXRSS_BYTES


def _ended_children() -> float:
    """CPU seconds of those that have been waited for; Windows does not add them up."""
    if resource is None:
        return 0.0
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return float(children.ru_utime + children.ru_stime)


def kernel_file(path: str) -> KeptFile:
    """A file of our own kernel's."""
    return KeptFile(path, is_kernels=True)


def read_or_none(file: KeptFile) -> bytes | None:
    """What it says, in one piece; None where it cannot be read."""
    try:
        return file.read(_BYTES)
    except OSError:
        return None


def parse_statm(statm: bytes) -> int:
    """/proc/PID/statm: resident memory in bytes; raises `ValueError`. Format: proc_pid_statm(5)."""
    _, pages = statm.split(None, 2)[:2]
    return int(pages) * processes.PAGE_BYTES


def parse_network(net_dev: bytes) -> int:
    """/proc/net/dev: bytes received and sent on all interfaces but loopback; raises `ValueError`."""
    total = 0
    for line in net_dev.splitlines()[2:]:
        name, colon, numbers = line.rpartition(b":")
        columns = numbers.split()
        if not colon or len(columns) < 9:
            raise ValueError("/proc/net/dev: not a table of interfaces")
        if name.strip() != b"lo":
            total += int(columns[0]) + int(columns[8])
    return total


def parse_uptime(uptime: bytes) -> float:
    """/proc/uptime: seconds in which the CPUs were not idle, together; raises `ValueError`. See proc_uptime(5)."""
    up, idle = map(float, uptime.split())
    return up * CPUS - idle


def parsed(parse: Callable[[bytes], Number], content: bytes | None) -> Number | None:
    """What a parser makes of a file; None where there is none or it says nothing that can be understood."""
    if content is None:
        return None
    try:
        return parse(content)
    except ValueError:
        return None


def grown(parse: Callable[[bytes], Number], earlier: bytes | None, later: bytes | None) -> Number | None:
    """By how much the number in a file has grown; what is the same text need not be parsed."""
    if earlier is None or later is None:
        return None
    if earlier == later:
        return 0
    first, last = parsed(parse, earlier), parsed(parse, later)
    return None if first is None or last is None else last - first
