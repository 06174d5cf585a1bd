"""Host metrics of macOS, Windows and BSD, as far as psutil has them."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import psutil

from collector_core.procfs import CPU_MODES
from collector_plugins.system.filters import (
    ORDINARY_DISKS_EXCEPT,
    ORDINARY_INTERFACES_EXCEPT,
    ORDINARY_MOUNTS_EXCEPT,
    Filter,
    Patterns,
    is_local,
    text,
)
from collector_plugins.system.mounts import Mount, choose
from collector_plugins.system.source import (
    LOAD_PERIODS,
    CpuModel,
    CpuTimes,
    Disk,
    Filesystem,
    Interface,
    Memory,
)
from collector_plugins.system.temperature_range import temperature_range

if TYPE_CHECKING:
    from psutil import _ntuples as psutil_types


class PortableSource:
    """Asks psutil. It has no sockets: listing them takes root on macOS and a walk over all processes elsewhere."""

    def __init__(self, *, devices: Patterns, mountpoints: Patterns, interfaces: Patterns) -> None:
        self._devices = Filter(devices, ORDINARY_DISKS_EXCEPT)
        self._mountpoints = Filter(mountpoints, ORDINARY_MOUNTS_EXCEPT)
        self._interfaces = Filter(interfaces, ORDINARY_INTERFACES_EXCEPT)

    def cpu_times(self) -> CpuTimes:
        """The modes that do not overlap: Windows counts `interrupt` and `dpc` in `system` as well."""
        total = psutil.cpu_times()
        modes = tuple(mode for mode in CPU_MODES if mode in total._fields)
        cores = {str(cpu): _row(times, modes) for cpu, times in enumerate(psutil.cpu_times(percpu=True))}
        return CpuTimes(modes, _row(total, modes), cores)

    def cpu_frequencies(self) -> Mapping[str, float]:
        """One for all CPUs (as CPU 0) on macOS and Windows."""
        frequencies = psutil.cpu_freq(percpu=True) if hasattr(psutil, "cpu_freq") else []
        return {str(cpu): each.current * 1e6 for cpu, each in enumerate(frequencies) if each.current}

    def cpu_info(self) -> CpuModel:
        """Physical cores and logical CPUs."""
        threads = psutil.cpu_count() or 1
        model = platform.processor() or platform.machine() or "unknown"
        return CpuModel(model, psutil.cpu_count(logical=False) or threads, threads)

    def boot_time(self) -> float:
        """Seconds since 1970."""
        return psutil.boot_time()

    def load_averages(self) -> Mapping[str, float]:
        """Not on Windows, which has no such number."""
        return dict(zip(LOAD_PERIODS, os.getloadavg(), strict=True)) if hasattr(os, "getloadavg") else {}

    def memory(self) -> Memory:
        """Used is what is not available, as on Linux."""
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        return Memory(
            memory.total,
            memory.available,
            memory.total - memory.available,
            memory.free,
            getattr(memory, "buffers", None),
            getattr(memory, "cached", None),
            swap.total,
            swap.used,
        )

    def disks(self) -> Mapping[str, Disk]:
        """Whole disks; psutil has no partitions but on Linux. Times are in milliseconds."""
        counters = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        return {_label(name): _disk(disk) for name, disk in counters.items() if self._devices.wants(name)}

    def filesystems(self) -> Mapping[tuple[str, str], Filesystem | OSError]:
        """As on Linux: each device once, and nothing that could wait for a network, unless included by name."""
        found: dict[tuple[str, str], Filesystem | OSError] = {}
        # On Windows `all` would ask network drives for their names.
        partitions = {os.fsencode(each.mountpoint): each for each in psutil.disk_partitions(all=os.name == "posix")}
        mounts = [Mount(each.device, point, each.fstype, _is_local(each)) for point, each in partitions.items()]
        for mount in choose(mounts, self._mountpoints):
            key = text(mount.point), _label(mount.fstype)
            try:
                found[key] = _filesystem(partitions[mount.point])
            except FileNotFoundError:
                continue
            except OSError as error:
                found[key] = error
        return found

    def interfaces(self) -> Mapping[str, Interface]:
        """Bytes, packets, errors and drops."""
        counters = psutil.net_io_counters(pernic=True, nowrap=False)
        return {_label(name): _interface(each) for name, each in counters.items() if self._interfaces.wants(name)}

    def temperatures(self) -> Mapping[tuple[str, str], float]:
        """Of the systems here, only FreeBSD's psutil has them."""
        chips = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
        return {
            (_label(chip), _label(sensor.label or f"temp{number}")): sensor.current
            for chip, sensors in chips.items()
            for number, sensor in enumerate(sensors, 1)
            if sensor.current in temperature_range(upper_limits=filter(None, (sensor.high, sensor.critical)))
        }

    def sockets(self) -> Mapping[tuple[str, str], float]:
        """None."""
        return {}

    def close(self) -> None:
        """Nothing is kept open."""


def _label(name: str) -> str:
    """Names that are not Unicode have halves of characters in place of what is not."""
    return text(name.encode(errors="backslashreplace"))


def _row(times: NamedTuple, modes: tuple[str, ...]) -> tuple[float, ...]:
    return tuple([getattr(times, mode) for mode in modes])


def _disk(disk: psutil_types.sdiskio) -> Disk:
    busy_ms = getattr(disk, "busy_time", None)
    return Disk(
        disk.read_bytes,
        disk.write_bytes,
        disk.read_count,
        disk.write_count,
        disk.read_time / 1000,
        disk.write_time / 1000,
        None if busy_ms is None else busy_ms / 1000,
    )


def _interface(each: psutil_types.snetio) -> Interface:
    return Interface(
        each.bytes_recv,
        each.bytes_sent,
        each.packets_recv,
        each.packets_sent,
        each.errin,
        each.errout,
        each.dropin,
        each.dropout,
    )


def _filesystem(partition: psutil_types.sdiskpart) -> Filesystem:
    usage = psutil.disk_usage(partition.mountpoint)
    return Filesystem(usage.total, usage.free, None, None, "ro" in partition.opts.split(","))


def _is_local(partition: psutil_types.sdiskpart) -> bool:
    """Windows says in the options what kind of drive it is."""
    return is_local(partition.device, partition.fstype) or not {"fixed", "removable"}.isdisjoint(
        partition.opts.split(",")
    )
