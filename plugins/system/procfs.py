"""Parsers of /proc: bytes in, numbers out. Formats: proc(5). Each raises `ValueError` for what it cannot read."""

from __future__ import annotations

from collections.abc import Mapping

from collector_core.procfs import CLOCK_TICKS_PER_SECOND, CPU_MODES, ticks_by_mode
from collector_plugins.system.source import LOAD_PERIODS, CpuTimes, Disk, Interface, Memory

SECTOR_BYTES = 512  # of /proc/diskstats, whatever the sectors of the disk are

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
    return _value_of(stat, b"\nbtime ")


def load_averages(loadavg: bytes) -> dict[str, float]:
    """/proc/loadavg: runnable and uninterruptible tasks, averaged over 1, 5 and 15 minutes."""
    return dict(zip(LOAD_PERIODS, map(float, loadavg.split()[:3]), strict=True))


def memory(meminfo: bytes) -> Memory:
    """/proc/meminfo, in KiB. Used is what is not available, and cached counts reclaimable slabs, as in free(1)."""
    lines = b"\n" + meminfo
    total, available = _kibibytes(lines, b"\nMemTotal:"), _kibibytes(lines, b"\nMemAvailable:")
    if total is None:
        raise ValueError("/proc/meminfo: no MemTotal")
    return Memory(
        total,
        available,
        _difference(total, available),
        _kibibytes(lines, b"\nMemFree:"),
        _kibibytes(lines, b"\nBuffers:"),
        _cached(lines),
        swap_total := _kibibytes(lines, b"\nSwapTotal:"),
        _difference(swap_total, _kibibytes(lines, b"\nSwapFree:")),
    )


def disks(diskstats: bytes, labels: Mapping[bytes, str | None]) -> dict[str, Disk]:
    """/proc/diskstats of the devices that have a label (Documentation/admin-guide/iostats.rst); times are in ms."""
    found = {}
    for line in diskstats.splitlines():
        _, _, name, rest = line.split(None, 3)
        label = labels[name]
        if label is None:
            continue
        reads, _, read, read_ms, writes, _, written, write_ms, _, busy_ms = map(float, rest.split(None, 10)[:10])
        found[label] = Disk(
            read * SECTOR_BYTES,
            written * SECTOR_BYTES,
            reads,
            writes,
            read_ms / 1000,
            write_ms / 1000,
            busy_ms / 1000,
        )
    return found


def interfaces(net_dev: bytes, labels: Mapping[bytes, str | None]) -> dict[str, Interface]:
    """/proc/net/dev of the interfaces that have a label: eight columns received and eight sent, below a header."""
    if not net_dev.startswith(b"Inter-|"):
        raise ValueError("/proc/net/dev: not a table of interfaces")
    found = {}
    for line in net_dev.splitlines()[2:]:
        name, _, numbers = line.rpartition(b":")
        label = labels[name.strip()]
        if label is None:
            continue
        rx_bytes, rx, rx_errors, rx_drops, _, _, _, _, tx_bytes, tx, tx_errors, tx_drops = map(
            float, numbers.split(None, 12)[:12]
        )
        found[label] = Interface(rx_bytes, tx_bytes, rx, tx, rx_errors, tx_errors, rx_drops, tx_drops)
    return found


def sockets(sockstat: bytes) -> dict[tuple[str, str], float]:
    """/proc/net/sockstat and sockstat6: `TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 420`; memory is not a socket."""
    found = {}
    for line in sockstat.splitlines():
        head, colon, rest = line.partition(b":")
        if not colon:
            raise ValueError("/proc/net/sockstat: a line without a protocol")
        kind = _SOCKET_KINDS.get(head)
        if kind is None:
            continue
        words = rest.split()
        for name, number in zip(words[::2], words[1::2], strict=True):
            if state := _SOCKET_STATES.get(name):
                found[kind, state] = float(number)
    return found


def _value_of(lines: bytes, key: bytes) -> float | None:
    start = lines.find(key)
    if start < 0:
        return None
    start += len(key)
    end = lines.find(b"\n", start)
    return float(lines[start : end if end >= 0 else None].removesuffix(b"kB"))


def _kibibytes(lines: bytes, key: bytes) -> float | None:
    value = _value_of(lines, key)
    return None if value is None else value * 1024


def _cached(lines: bytes) -> float | None:
    pages, slabs = _kibibytes(lines, b"\nCached:"), _kibibytes(lines, b"\nSReclaimable:")
    return None if pages is None else pages + (slabs or 0.0)


def _difference(total: float | None, rest: float | None) -> float | None:
    """None as well where the rest exceeds the total, as containers with a faked total show it for a moment."""
    return None if total is None or rest is None or rest > total else total - rest
