"""Parsers of /proc: bytes in, numbers out. Formats: proc(5). Each raises `ValueError` for what it cannot read."""

from __future__ import annotations

import os
from collections.abc import Mapping

from collector_plugins.system.filters import text
from collector_plugins.system.source import CPU_MODES, LOAD_PERIODS, CpuInfo, CpuTimes, Disk, Interface, Memory

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
SECTOR_BYTES = 512  # of /proc/diskstats, whatever the sectors of the disk are

_SOCKET_KINDS = {
    b"sockets": "all",
    **{name.upper().encode(): name for name in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6")},
}
_SOCKET_STATES = {name.encode(): name for name in ("used", "inuse", "orphan", "tw", "alloc")}
_MODEL_KEYS = ("model name", "Model", "cpu model", "cpu", "Hardware")


def cpu_times(stat: bytes) -> CpuTimes:
    """/proc/stat: user, nice, system, idle, iowait, irq, softirq, steal in ticks; the guest's time is in `user`."""
    rows = {}
    width = len(CPU_MODES)
    for line in stat.splitlines():
        if not line.startswith(b"cpu"):
            break  # the CPUs come first, and the lines after them are long
        name, *ticks = line.split()
        rows[name[3:].decode()] = row = tuple([float(tick) / TICKS_PER_SECOND for tick in ticks[: len(CPU_MODES)]])
        width = min(width, len(row))
    if "" not in rows or width < 4:
        raise ValueError("/proc/stat: no times of the CPUs")
    return CpuTimes(CPU_MODES[:width], rows.pop(""), rows)


def boot_time(stat: bytes) -> float | None:
    """/proc/stat: `btime`, in seconds since 1970."""
    return _value_of(stat, b"\nbtime ")


def load_averages(loadavg: bytes) -> dict[str, float]:
    """/proc/loadavg: runnable and uninterruptible tasks, averaged over 1, 5 and 15 minutes."""
    return dict(zip(LOAD_PERIODS, map(float, loadavg.split()[:3]), strict=True))


def memory(meminfo: bytes) -> Memory:
    """/proc/meminfo, in KiB. Used is what is not available, as in free(1)."""
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
        _kibibytes(lines, b"\nCached:"),
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


def cpu_info(cpuinfo: bytes) -> CpuInfo:
    """/proc/cpuinfo: one paragraph per thread; its keys differ between architectures. Where it does not tell threads
    and cores apart (arm64 does not), each thread counts as a core.
    """
    paragraphs = [_pairs(paragraph) for paragraph in text(cpuinfo).split("\n\n")]
    threads = [pairs for pairs in paragraphs if "processor" in pairs]
    if not threads:
        raise ValueError("/proc/cpuinfo: no processor")
    models = (pairs[key] for key in _MODEL_KEYS for pairs in paragraphs if pairs.get(key))
    cores = {(pairs.get("physical id"), pairs.get("core id", thread)) for thread, pairs in enumerate(threads)}
    return CpuInfo(next(models, "unknown"), len(cores), len(threads))


def virtual_cpu_hertz(cpuinfo: bytes) -> dict[str, float]:
    """/proc/cpuinfo: the clock of each CPU of a virtual machine, which the kernel measured once; {} on hardware.

    There the same line is how fast the CPU happened to run while it was read.
    """
    threads = [_pairs(paragraph) for paragraph in text(cpuinfo).split("\n\n")]
    return {
        pairs["processor"]: float(pairs["cpu MHz"]) * 1e6
        for pairs in threads
        if {"processor", "cpu MHz"} <= pairs.keys() and "hypervisor" in pairs.get("flags", "").split()
    }


def _pairs(paragraph: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in paragraph.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


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


def _difference(total: float | None, rest: float | None) -> float | None:
    """None as well where the rest exceeds the total, as containers with a faked total show it for a moment."""
    return None if total is None or rest is None or rest > total else total - rest
