"""Parsers of /proc: bytes in, numbers out. Formats: proc(5).

Each raises `ValueError` for what is not such a file; of a file with one odd line or value only that is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite
from typing import TypeVar

from collector_core.procfs import CLOCK_TICKS_PER_SECOND, CPU_MODES, ticks_by_mode
from collector_plugins.system.source import LOAD_PERIODS, CpuTimes, Disk, Interface, Memory

SECTOR_BYTES = 512  # of /proc/diskstats, whatever the sectors of the disk are

T = TypeVar("T")

_SOCKET_KINDS = {
    b"sockets": "all",
    **{name.upper().encode(): name for name in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6")},
}
_SOCKET_STATES = {name.encode(): name for name in ("used", "inuse", "orphan", "tw", "alloc")}


def cpu_times(stat: bytes) -> CpuTimes:
    """/proc/stat: user, nice, system, idle, iowait, irq, softirq, steal in ticks; the guest's time is in `user`."""
    rows = {cpu: tuple([tick / CLOCK_TICKS_PER_SECOND for tick in row]) for cpu, row in ticks_by_mode(stat).items()}
    total = rows.pop("")
    return CpuTimes(CPU_MODES[: len(total)], total, rows)


def boot_time(stat: bytes) -> float | None:
    """/proc/stat: `btime`, in seconds since 1970."""
    seconds = _value_of(stat, b"\nbtime ")
    return None if seconds is None else _numbers([seconds], 1)[0]


def load_averages(loadavg: bytes) -> dict[str, float]:
    """/proc/loadavg: runnable and uninterruptible tasks, averaged over 1, 5 and 15 minutes."""
    words = zip(LOAD_PERIODS, loadavg.split()[: len(LOAD_PERIODS)], strict=True)
    found = {period: tasks for period, word in words if (tasks := _number(word)) is not None}
    if not found:
        raise ValueError("/proc/loadavg: no numbers")
    return found


def memory(meminfo: bytes) -> Memory:
    """/proc/meminfo, in KiB. Used is what is not available, and cached counts reclaimable slabs, as in free(1)."""
    lines = b"\n" + meminfo
    total, available = _kibibytes(lines, b"\nMemTotal:"), _kibibytes(lines, b"\nMemAvailable:")
    found = Memory(
        total,
        available,
        _difference(total, available),
        _kibibytes(lines, b"\nMemFree:"),
        _kibibytes(lines, b"\nBuffers:"),
        _cached(lines),
        swap_total := _kibibytes(lines, b"\nSwapTotal:"),
        _difference(swap_total, _kibibytes(lines, b"\nSwapFree:")),
    )
    if b"\nMemTotal:" not in lines or found == Memory():
        raise ValueError("/proc/meminfo: no MemTotal")
    return found


def disks(diskstats: bytes, labels: Mapping[bytes, str | None]) -> dict[str, Disk | ValueError]:
    """/proc/diskstats of the devices that have a label (Documentation/admin-guide/iostats.rst); times are in ms."""
    rows = (line.split(None, 3) for line in diskstats.splitlines())
    named = [(row[2], row[3]) for row in rows if len(row) == 4]
    if not named and diskstats.strip():
        raise ValueError("/proc/diskstats: not a table of disks")
    return _by_device(named, labels, _disk, "/proc/diskstats")


def interfaces(net_dev: bytes, labels: Mapping[bytes, str | None]) -> dict[str, Interface | ValueError]:
    """/proc/net/dev of the interfaces that have a label: eight columns received and eight sent, below a header."""
    if not net_dev.startswith(b"Inter-|"):
        raise ValueError("/proc/net/dev: not a table of interfaces")
    rows = (line.rpartition(b":") for line in net_dev.splitlines()[2:])
    return _by_device(
        [(name.strip(), rest) for name, colon, rest in rows if colon], labels, _interface, "/proc/net/dev"
    )


def sockets(sockstat: bytes) -> dict[tuple[str, str], float]:
    """/proc/net/sockstat and sockstat6: `TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 420`; memory is not a socket."""
    found = {}
    for line in sockstat.splitlines():
        head, _, rest = line.partition(b":")
        kind = _SOCKET_KINDS.get(head)
        if kind is None:
            continue
        words = rest.split()
        for name, number in zip(words[::2], words[1::2], strict=False):
            state = _SOCKET_STATES.get(name)
            if state and (value := _number(number)) is not None:
                found[kind, state] = value
    if sockstat and not found:
        raise ValueError("/proc/net/sockstat: no numbers of sockets")
    return found


def _by_device(
    rows: Sequence[tuple[bytes, bytes]],
    labels: Mapping[bytes, str | None],
    parse: Callable[[list[bytes]], T],
    file: str,
) -> dict[str, T | ValueError]:
    """What is said of each device with a label, or why it cannot be read."""
    found: dict[str, T | ValueError] = {}
    for name, rest in rows:
        label = labels[name]
        if label is None:
            continue
        try:
            found[label] = parse(rest.split(None, 12))
        except ValueError as error:
            found[label] = ValueError(f"{file}: {error}")
    return found


def _disk(fields: list[bytes]) -> Disk:
    reads, _, read, read_ms, writes, _, written, write_ms, _, busy_ms = _numbers(fields[:10], 10)
    return Disk(
        read * SECTOR_BYTES,
        written * SECTOR_BYTES,
        reads,
        writes,
        read_ms / 1000,
        write_ms / 1000,
        busy_ms / 1000,
    )


def _interface(fields: list[bytes]) -> Interface:
    rx_bytes, rx, rx_errors, rx_drops, _, _, _, _, tx_bytes, tx, tx_errors, tx_drops = _numbers(fields[:12], 12)
    return Interface(rx_bytes, tx_bytes, rx, tx, rx_errors, tx_errors, rx_drops, tx_drops)


def _numbers(fields: list[bytes], how_many: int) -> list[float]:
    """Counters and averages: finite, and none is negative."""
    numbers = list(map(float, fields))
    if len(numbers) != how_many or not isfinite(sum(numbers)) or min(numbers) < 0:
        raise ValueError(f"{b' '.join(fields)[:80]!r} is not {how_many} numbers")
    return numbers


def _number(field: bytes) -> float | None:
    try:
        number = float(field)
    except ValueError:
        return None
    return number if 0 <= number < inf else None


def _value_of(lines: bytes, key: bytes) -> bytes | None:
    start = lines.find(key)
    if start < 0:
        return None
    start += len(key)
    end = lines.find(b"\n", start)
    return lines[start : end if end >= 0 else None]


def _kibibytes(lines: bytes, key: bytes) -> float | None:
    value = _value_of(lines, key)
    kibibytes = None if value is None else _number(value.removesuffix(b"kB"))
    return None if kibibytes is None else kibibytes * 1024


def _cached(lines: bytes) -> float | None:
    pages, slabs = _kibibytes(lines, b"\nCached:"), _kibibytes(lines, b"\nSReclaimable:")
    return None if pages is None else pages + (slabs or 0.0)


def _difference(total: float | None, rest: float | None) -> float | None:
    """None as well where the rest exceeds the total, as containers with a faked total show it for a moment."""
    return None if total is None or rest is None or rest > total else total - rest
