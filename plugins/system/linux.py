"""Host metrics of Linux, from /proc and /sys below the configured root."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from collector_core import Context
from collector_core.procfs import CpuDescription, KeptFile, NumberText, is_kernel_mount, read_cpus
from collector_plugins.system import procfs
from collector_plugins.system.disks import Disks
from collector_plugins.system.filesystems import MountTable
from collector_plugins.system.filters import (
    ORDINARY_INTERFACES_EXCEPT,
    ORDINARY_MOUNTS_EXCEPT,
    Filter,
    Labels,
    Patterns,
)
from collector_plugins.system.source import CpuModel, CpuTimes, Disk, Filesystem, Interface, Memory
from collector_plugins.system.statvfs import FilesystemAnswers
from collector_plugins.system.sysfs import CpuFrequencies, Temperatures

ABSENT = (FileNotFoundError, NotADirectoryError)


class LinuxSource:
    """Reads what the kernel prints; a file that does not exist is absence, anything else that fails is raised."""

    def __init__(self, ctx: Context, *, devices: Patterns, mountpoints: Patterns, interfaces: Patterns) -> None:
        self._path = ctx.path
        self._is_own_root = ctx.root == Path("/")
        self._is_kernels = is_kernel_mount(ctx.path("/proc"))
        self._stat = self._file("/proc/stat")
        self._loadavg = self._file("/proc/loadavg")
        self._meminfo = self._file("/proc/meminfo")
        self._diskstats = self._file("/proc/diskstats")
        self._net_dev = self._file(*self._of_host("net/dev"))
        self._sockstats = [self._file(*self._of_host(f"net/{name}")) for name in ("sockstat", "sockstat6")]
        mounts = self._file(*self._of_host("mounts"))
        self._mounts = MountTable(
            mounts, Filter(mountpoints, ORDINARY_MOUNTS_EXCEPT), ctx.root, FilesystemAnswers(ctx.timeout / 2)
        )
        sys = ctx.path("/sys")
        is_kernels = is_kernel_mount(sys)
        self._temperatures = Temperatures(sys, is_kernels=is_kernels)
        self._frequencies = CpuFrequencies(sys, is_kernels=is_kernels)
        self._disks = Disks(ctx.path("/sys/block"), devices)
        interface_labels = Labels(Filter(interfaces, ORDINARY_INTERFACES_EXCEPT).wants)
        self._latest_stat: bytes | None = None
        self._cpu_times = NumberText(procfs.find_cpu_times)
        self._load_averages = NumberText(procfs.find_load_averages)
        self._memory = NumberText(procfs.find_memory)
        self._disk_rows = NumberText(lambda diskstats: procfs.find_disks(diskstats, self._disks.labels))
        self._interface_rows = NumberText(lambda net_dev: procfs.find_interfaces(net_dev, interface_labels))
        self._sockets = NumberText(procfs.find_sockets)

    def cpu_times(self) -> CpuTimes | None:
        """From /proc/stat."""
        self._latest_stat = None
        self._latest_stat = _read(self._stat)
        return None if self._latest_stat is None else self._cpu_times.read(procfs.cpu_lines(self._latest_stat))

    def cpu_frequencies(self) -> Mapping[str, float]:
        """From cpufreq in /sys; in a virtual machine, which has none, what the kernel measured once."""
        return self._frequencies.read() or self._fixed_frequencies()

    def cpu_info(self) -> CpuModel | None:
        """From what the kernel says of the processors, read once."""
        cpus = self._cpus
        return None if cpus is None else CpuModel(cpus.model or "unknown", cpus.cores, cpus.threads)

    def boot_time(self) -> float | None:
        """From what `cpu_times` read last: /proc/stat is expensive for the kernel, it lists every interrupt."""
        return None if self._latest_stat is None else procfs.boot_time(self._latest_stat)

    def load_averages(self) -> Mapping[str, float]:
        """From /proc/loadavg."""
        loadavg = _read(self._loadavg)
        return {} if loadavg is None else self._load_averages.read(procfs.averages(loadavg))

    def memory(self) -> Memory:
        """From /proc/meminfo."""
        meminfo = _read(self._meminfo)
        return Memory() if meminfo is None else self._memory.read(procfs.memory_lines(meminfo))

    def disks(self) -> Mapping[str, Disk | ValueError]:
        """From /proc/diskstats, of the devices that /sys/block says are disks of their own."""
        diskstats = _read(self._diskstats)
        if self._disks.are_due():
            self._disk_rows.forget()
        return {} if diskstats is None else self._disks.choose(self._disk_rows.read(diskstats))

    def filesystems(self) -> Mapping[tuple[str, str], Filesystem | OSError]:
        """From /proc/mounts and statvfs(3)."""
        return self._mounts.usage()

    def interfaces(self) -> Mapping[str, Interface | ValueError]:
        """From /proc/net/dev."""
        net_dev = _read(self._net_dev)
        return {} if net_dev is None else self._interface_rows.read(procfs.separated(net_dev))

    def temperatures(self) -> Mapping[tuple[str, str], float]:
        """From hwmon in /sys, and from the thermal zones that have no chip there."""
        return self._temperatures.read()

    def sockets(self) -> Mapping[tuple[str, str], float]:
        """From /proc/net/sockstat and sockstat6."""
        contents = [contents for file in self._sockstats if (contents := _read(file))]
        return self._sockets.read(b"".join(contents)) if contents else {}

    def close(self) -> None:
        """Let go of every descriptor."""
        for file in (self._stat, self._loadavg, self._meminfo, self._diskstats, self._net_dev, *self._sockstats):
            file.close()
        for files in (self._mounts, self._temperatures, self._frequencies):
            files.close()

    @cached_property
    def _cpus(self) -> CpuDescription | None:
        try:
            return read_cpus(self._path("/proc"))
        except ABSENT:
            return None

    def _fixed_frequencies(self) -> Mapping[str, float]:
        try:
            return {} if self._cpus is None else self._cpus.fixed_hertz
        except ValueError:
            return {}  # `cpu_info` fails for the same reason, and says so

    def _file(self, *paths: str) -> KeptFile:
        return KeptFile(*map(self._path, paths), is_kernels=self._is_kernels, keep_open=self._is_kernels)

    def _of_host(self, name: str) -> tuple[str, ...]:
        """/proc/net and /proc/mounts are of our own namespaces; seen from a container, process 1 has the host's."""
        return (f"/proc/{name}",) if self._is_own_root else (f"/proc/1/{name}", f"/proc/{name}")


def _read(file: KeptFile) -> bytes | None:
    try:
        return file.read()
    except ABSENT:
        return None
