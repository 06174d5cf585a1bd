"""Parsers of /proc: where the numbers stand in a text, and what they say. Formats: proc(5).

Each `find_…` raises `ValueError` for what is not such a text; of one with an odd line or value only that is missing.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import starmap
from typing import TypeVar

from collector_core.procfs import CLOCK_TICKS_PER_SECOND, CPU_MODES, FoundNumbers, is_number
from collector_plugins.system.source import LOAD_PERIODS, CpuTimes, Disk, Interface, Memory

SECTOR_BYTES = 512  # of /proc/diskstats, whatever the sectors of the disk are

RowT = TypeVar("RowT", Disk, Interface)
KeyT = TypeVar("KeyT", bound=Hashable)
Rows = dict[str, RowT | ValueError]
Line = tuple[int, list[bytes]]
Columns = tuple[tuple[int, float], ...]

_LEAST_CPU_MODES = 4  # of old kernels
_MILLISECONDS = 1000.0
_SECTORS = 1 / SECTOR_BYTES
_KIBIBYTES = 1 / 1024

# Which words of a line are the fields of `Disk` and `Interface`, in their order, and what they are divided by.
_DISK: Columns = (
    (5, _SECTORS),
    (9, _SECTORS),
    (3, 1.0),
    (7, 1.0),
    (6, _MILLISECONDS),
    (10, _MILLISECONDS),
    (12, _MILLISECONDS),
)
_INTERFACE: Columns = tuple((column, 1.0) for column in (0, 8, 1, 9, 2, 10, 3, 11))

_MEMORY = (
    b"MemTotal:",
    b"MemAvailable:",
    b"MemFree:",
    b"Buffers:",
    b"Cached:",
    b"SReclaimable:",
    b"SwapTotal:",
    b"SwapFree:",
)

_SOCKET_KINDS = {
    b"sockets:": "all",
    **{name.upper().encode() + b":": name for name in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6")},
}
_SOCKET_STATES = {name.encode(): name for name in ("used", "inuse", "orphan", "tw", "alloc")}


def find_cpu_times(stat: bytes) -> FoundNumbers[CpuTimes]:
    """/proc/stat: user, nice, system, idle, iowait, irq, softirq, steal in ticks; the guest's time is in `user`.

    A CPU whose line cannot be read is left out; where that of all of them cannot, they are added up.
    """
    lines = list(_cpu_lines(stat))
    width = max((modes for _, _, modes in lines), default=0)
    starts = {name[3:].decode(errors="backslashreplace"): start for start, name, modes in lines if modes == width}
    if not starts or not stat.startswith(b"cpu "):
        raise ValueError("/proc/stat: no times of the CPUs")
    places = [start + mode for start in starts.values() for mode in range(1, width + 1)]
    ticks = [(place, float(CLOCK_TICKS_PER_SECOND)) for place in places]
    return FoundNumbers(ticks, partial(_cpu_times, list(starts), width))


def _cpu_lines(stat: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Place, name and number of modes of each CPU; they come first."""
    for start, words in _lines(stat):
        if not words or not words[0].startswith(b"cpu"):
            return
        modes = words[1 : len(CPU_MODES) + 1]
        if len(modes) >= _LEAST_CPU_MODES and all(map(is_number, modes)):
            yield start, words[0], len(modes)


def _cpu_times(cpus: Sequence[str], modes: int, seconds: array[float]) -> CpuTimes:
    rows = dict(zip(cpus, _batches(seconds, modes), strict=True))
    total = rows.pop("", None) or tuple(map(sum, zip(*rows.values(), strict=True)))
    return CpuTimes(CPU_MODES[:modes], total, rows)


def cpu_lines(stat: bytes) -> bytes:
    """/proc/stat without what comes after the CPUs: long lines, of every interrupt."""
    return _until(stat, b"\nintr ")


def boot_time(stat: bytes) -> float | None:
    """/proc/stat: `btime`, in seconds since 1970."""
    _, key, rest = stat.partition(b"\nbtime ")
    seconds = rest.partition(b"\n")[0]
    if key and not is_number(seconds):
        raise ValueError(f"/proc/stat: btime {seconds[:80]!r} is not a number")
    return float(seconds) if key else None


def find_load_averages(loadavg: bytes) -> FoundNumbers[dict[str, float]]:
    """/proc/loadavg: runnable and uninterruptible tasks, averaged over 1, 5 and 15 minutes."""
    words = loadavg.split()
    places = {period: place for place, period in enumerate(LOAD_PERIODS[: len(words)]) if is_number(words[place])}
    if not places or len(words) < len(LOAD_PERIODS):
        raise ValueError("/proc/loadavg: no numbers")
    return FoundNumbers([(place, 1.0) for place in places.values()], partial(_named, list(places)))


def averages(loadavg: bytes) -> bytes:
    """/proc/loadavg without what comes after the averages: numbers of processes."""
    return b" ".join(loadavg.split(None, len(LOAD_PERIODS))[: len(LOAD_PERIODS)])


def find_memory(meminfo: bytes) -> FoundNumbers[Memory]:
    """/proc/meminfo, in KiB. Used is what is not available, and cached counts reclaimable slabs, as in free(1)."""
    lines = {words[0]: (start, words) for start, words in _lines(meminfo) if len(words) > 1}
    places = {key: lines[key][0] + 1 for key in _MEMORY if key in lines and is_number(lines[key][1][1])}
    if b"MemTotal:" not in lines or not places:
        raise ValueError("/proc/meminfo: no MemTotal")
    return FoundNumbers([(place, _KIBIBYTES) for place in places.values()], partial(_memory, list(places)))


def memory_lines(meminfo: bytes) -> bytes:
    """/proc/meminfo without what comes after the slabs: as much again, of which nothing is wanted."""
    return _until(meminfo, b"\nSUnreclaim:")


def _memory(keys: Sequence[bytes], sizes: array[float]) -> Memory:
    known = dict(zip(keys, sizes, strict=True))
    total, available, free, buffers, pages, slabs, swap_total, swap_free = map(known.get, _MEMORY)
    cached = None if pages is None else pages + (slabs or 0.0)
    used, swap_used = _difference(total, available), _difference(swap_total, swap_free)
    return Memory(total, available, used, free, buffers, cached, swap_total, swap_used)


def find_disks(diskstats: bytes, labels: Mapping[bytes, str | None]) -> FoundNumbers[Rows[Disk]]:
    """/proc/diskstats of the devices that have a label (Documentation/admin-guide/iostats.rst); times are in ms."""
    lines = [(words[2], (start, words)) for start, words in _lines(diskstats) if len(words) > 3]
    if not lines and diskstats.strip():
        raise ValueError("/proc/diskstats: not a table of disks")
    rows = {label: line for name, line in lines if (label := labels[name]) is not None}
    names = [start + 2 for _, (start, _) in lines]
    return replace(_find_rows("/proc/diskstats", Disk, rows, _DISK), names=names)


def find_interfaces(net_dev: bytes, labels: Mapping[bytes, str | None]) -> FoundNumbers[Rows[Interface]]:
    """/proc/net/dev of the interfaces that have a label: eight columns received and eight sent, below a header."""
    if not net_dev.startswith(b"Inter-|"):
        raise ValueError("/proc/net/dev: not a table of interfaces")
    rows: dict[str, Line] = {}
    for start, words in list(_lines(net_dev))[2:]:
        colon = max((place for place, word in enumerate(words) if word.endswith(b":")), default=None)
        if colon is not None and (label := labels[b"".join(words[: colon + 1])[:-1]]) is not None:
            rows[label] = start + colon + 1, words[colon + 1 :]
    return _find_rows("/proc/net/dev", Interface, rows, _INTERFACE)


def separated(net_dev: bytes) -> bytes:
    """/proc/net/dev with a blank after each name, which old kernels only have before small numbers."""
    return net_dev.replace(b":", b": ")


def _find_rows(file: str, row_type: type[RowT], rows: Mapping[str, Line], columns: Columns) -> FoundNumbers[Rows[RowT]]:
    """What is said of each device, or why it cannot be read."""
    failures: Rows[RowT] = {}
    places: dict[str, int] = {}
    for label, (start, words) in rows.items():
        if all(column < len(words) and is_number(words[column]) for column, _ in columns):
            places[label] = start
        else:
            failures[label] = ValueError(f"{file}: {b' '.join(words)[:80]!r} is not as many numbers as it has columns")
    numbers = [(start + column, divisor) for start in places.values() for column, divisor in columns]
    return FoundNumbers(numbers, partial(_rows, row_type, list(places), failures))


def _rows(row_type: type[RowT], names: Sequence[str], failures: Rows[RowT], numbers: array[float]) -> Rows[RowT]:
    rows: Rows[RowT] = dict(zip(names, starmap(row_type, _batches(numbers, len(row_type._fields))), strict=True))
    return rows | failures


def find_sockets(sockstat: bytes) -> FoundNumbers[dict[tuple[str, str], float]]:
    """/proc/net/sockstat and sockstat6: `TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 420`; memory is not a socket."""
    places = {
        (kind, state): start + place + 1
        for start, words in _lines(sockstat)
        if words and (kind := _SOCKET_KINDS.get(words[0]))
        for place in range(1, len(words) - 1, 2)
        if (state := _SOCKET_STATES.get(words[place])) and is_number(words[place + 1])
    }
    if sockstat and not places:
        raise ValueError("/proc/net/sockstat: no numbers of sockets")
    return FoundNumbers([(place, 1.0) for place in places.values()], partial(_named, list(places)))


def _named(names: Sequence[KeyT], numbers: array[float]) -> dict[KeyT, float]:
    return dict(zip(names, numbers, strict=True))


def _until(text: bytes, mark: bytes) -> bytes:
    end = text.find(mark)
    return text[:end] if end >= 0 else text


def _lines(text: bytes) -> Iterator[Line]:
    """The words of each line, and the place of the first of them among all words."""
    start = 0
    for line in text.split(b"\n"):
        words = line.split()
        yield start, words
        start += len(words)


def _batches(numbers: array[float], size: int) -> Iterator[tuple[float, ...]]:
    return zip(*[iter(numbers)] * size, strict=True)


def _difference(total: float | None, rest: float | None) -> float | None:
    """None as well where the rest exceeds the total, as containers with a faked total show it for a moment."""
    return None if total is None or rest is None or rest > total else total - rest
