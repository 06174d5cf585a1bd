"""Host metrics: CPUs, memory, disks, file systems, network, temperatures and sockets."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from collector_core import (
    Collector,
    CollectorConfig,
    Context,
    Counter,
    Field,
    Gauge,
    Info,
    Metric,
    NotAvailable,
    Readings,
    Unit,
    hookimpl,
)
from collector_plugins.system.filters import Patterns
from collector_plugins.system.linux import LinuxSource
from collector_plugins.system.source import Source
from collector_plugins.system.usage import CpuUsage

CPU_SECONDS = Counter(
    "system_cpu_seconds_total",
    "Time the CPU spent in each mode; the modes do not overlap (guests run in user and nice).",
    Unit.SECONDS,
    ("cpu", "mode"),
)
CPU_USAGE = Gauge("system_cpu_usage_ratio", "Time not idle of all CPUs since the run before, 0 to 1.", Unit.RATIO)
CPU_CORE_USAGE = Gauge(
    "system_cpu_core_usage_ratio", "Time not idle of each CPU since the run before, 0 to 1.", Unit.RATIO, ("cpu",)
)
CPU_FREQUENCY = Gauge("system_cpu_frequency_hertz", "Clock frequency of each CPU.", Unit.HERTZ, ("cpu",))
CPU_INFO = Info(
    "system_cpu_info", "Model of the processor, its physical cores and its threads.", ("model", "cores", "threads")
)
BOOT_TIME = Gauge("system_boot_time_seconds", "When the machine was started, in seconds since 1970.", Unit.SECONDS)
LOAD_AVERAGE = Gauge(
    "system_load_average", "Tasks that run or wait, averaged over the period (1m, 5m, 15m).", labels=("period",)
)

MEMORY_TOTAL = Gauge("system_memory_total_bytes", "Memory the system can use.", Unit.BYTES)
MEMORY_AVAILABLE = Gauge(
    "system_memory_available_bytes", "Memory that programs can get without swapping (caches are given up).", Unit.BYTES
)
MEMORY_USED = Gauge("system_memory_used_bytes", "Memory that is not available.", Unit.BYTES)
MEMORY_FREE = Gauge("system_memory_free_bytes", "Memory that nothing uses, not even a cache.", Unit.BYTES)
MEMORY_BUFFERS = Gauge("system_memory_buffers_bytes", "Cache of raw disk blocks.", Unit.BYTES)
MEMORY_CACHED = Gauge("system_memory_cached_bytes", "Cache of files, with what is in tmpfs.", Unit.BYTES)
SWAP_TOTAL = Gauge("system_swap_total_bytes", "Swap space.", Unit.BYTES)
SWAP_USED = Gauge("system_swap_used_bytes", "Swap space in use.", Unit.BYTES)

_DEVICE = ("device",)
DISK_READ_BYTES = Counter("system_disk_read_bytes_total", "Bytes read from the disk.", Unit.BYTES, _DEVICE)
DISK_WRITTEN_BYTES = Counter("system_disk_written_bytes_total", "Bytes written to the disk.", Unit.BYTES, _DEVICE)
DISK_READS = Counter("system_disk_reads_total", "Reads the disk completed.", labels=_DEVICE)
DISK_WRITES = Counter("system_disk_writes_total", "Writes the disk completed.", labels=_DEVICE)
DISK_READ_SECONDS = Counter(
    "system_disk_read_seconds_total", "Time all reads took together; by reads: the mean latency.", Unit.SECONDS, _DEVICE
)
DISK_WRITE_SECONDS = Counter(
    "system_disk_write_seconds_total",
    "Time all writes took together; by writes: the mean latency.",
    Unit.SECONDS,
    _DEVICE,
)
DISK_BUSY_SECONDS = Counter(
    "system_disk_busy_seconds_total",
    "Time the disk had something to do; its rate is the utilisation.",
    Unit.SECONDS,
    _DEVICE,
)

_MOUNT = ("mountpoint", "fstype")
FILESYSTEM_SIZE = Gauge("system_filesystem_size_bytes", "Size of the file system.", Unit.BYTES, _MOUNT)
FILESYSTEM_AVAILABLE = Gauge(
    "system_filesystem_available_bytes", "Space that unprivileged users can still use.", Unit.BYTES, _MOUNT
)
FILESYSTEM_INODES = Gauge("system_filesystem_inodes", "Files that the file system has room for.", labels=_MOUNT)
FILESYSTEM_INODES_AVAILABLE = Gauge(
    "system_filesystem_inodes_available", "Files that unprivileged users can still create.", labels=_MOUNT
)
FILESYSTEM_READONLY = Gauge(
    "system_filesystem_readonly", "1 where nothing can be written, as after an error of the disk.", labels=_MOUNT
)

RECEIVE_BYTES = Counter("system_network_receive_bytes_total", "Bytes received.", Unit.BYTES, _DEVICE)
TRANSMIT_BYTES = Counter("system_network_transmit_bytes_total", "Bytes sent.", Unit.BYTES, _DEVICE)
RECEIVE_PACKETS = Counter("system_network_receive_packets_total", "Packets received.", labels=_DEVICE)
TRANSMIT_PACKETS = Counter("system_network_transmit_packets_total", "Packets sent.", labels=_DEVICE)
RECEIVE_ERRORS = Counter("system_network_receive_errors_total", "Packets received in error.", labels=_DEVICE)
TRANSMIT_ERRORS = Counter("system_network_transmit_errors_total", "Packets that could not be sent.", labels=_DEVICE)
RECEIVE_DROPS = Counter("system_network_receive_drops_total", "Packets received and dropped.", labels=_DEVICE)
TRANSMIT_DROPS = Counter(
    "system_network_transmit_drops_total", "Packets dropped before they were sent.", labels=_DEVICE
)

TEMPERATURE = Gauge(
    "system_temperature_celsius", "Temperature at each sensor of each chip.", Unit.CELSIUS, ("chip", "sensor")
)
SOCKETS = Gauge(
    "system_sockets",
    "Sockets by kind (tcp, tcp6, udp, …; all) and state (inuse, orphan, tw, alloc; used).",
    labels=("kind", "state"),
)

# Each in the order of the fields of its shape in source.py.
_MEMORY = (
    MEMORY_TOTAL,
    MEMORY_AVAILABLE,
    MEMORY_USED,
    MEMORY_FREE,
    MEMORY_BUFFERS,
    MEMORY_CACHED,
    SWAP_TOTAL,
    SWAP_USED,
)
_DISK = (
    DISK_READ_BYTES,
    DISK_WRITTEN_BYTES,
    DISK_READS,
    DISK_WRITES,
    DISK_READ_SECONDS,
    DISK_WRITE_SECONDS,
    DISK_BUSY_SECONDS,
)
_FILESYSTEM = (
    FILESYSTEM_SIZE,
    FILESYSTEM_AVAILABLE,
    FILESYSTEM_INODES,
    FILESYSTEM_INODES_AVAILABLE,
    FILESYSTEM_READONLY,
)
_NETWORK = (
    RECEIVE_BYTES,
    TRANSMIT_BYTES,
    RECEIVE_PACKETS,
    TRANSMIT_PACKETS,
    RECEIVE_ERRORS,
    TRANSMIT_ERRORS,
    RECEIVE_DROPS,
    TRANSMIT_DROPS,
)
_CPU = (CPU_SECONDS, CPU_USAGE, CPU_CORE_USAGE, CPU_FREQUENCY, CPU_INFO, BOOT_TIME, LOAD_AVERAGE)


_FIX_ROOT = "mount the host's /proc and /sys below `root`, e.g. docker run -v /:/host:ro,rslave, with root: /host"


class Config(CollectorConfig):
    """Options of the system plugin."""

    devices: Patterns = Field(default=Patterns(), description="Disks, by the name in /sys/block.")
    mountpoints: Patterns = Field(default=Patterns(), description="File systems, by their mount point.")
    interfaces: Patterns = Field(default=Patterns(), description="Network interfaces, by name.")


class System(Collector[Config]):
    """Publishes what the operating system knows of the machine; each group of metrics may fail alone."""

    name = "system"
    metrics: ClassVar[tuple[Metric, ...]] = (*_CPU, *_MEMORY, *_DISK, *_FILESYSTEM, *_NETWORK, TEMPERATURE, SOCKETS)
    config_type = Config
    needs_two_runs = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._source: Source | None = None
        self._usage = CpuUsage()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Available where /proc/stat or psutil is."""
        if not _has_proc(ctx):
            has_psutil = importlib.util.find_spec("psutil") is not None
            return (
                None if has_psutil else NotAvailable("not_found", "psutil is not installed", fix="pip install psutil")
            )
        stat = ctx.path("/proc/stat")
        return None if stat.exists() else NotAvailable("not_found", f"{stat} does not exist", fix=_FIX_ROOT)

    def open(self) -> None:
        """Choose where to read; raises `NotAvailable` where there is no /proc below the configured root."""
        self.close()
        self._usage = CpuUsage()
        self._source = self._new_source()

    def collect(self, out: Readings) -> None:
        """Read every group: one that fails is dropped and counted, what does not exist here is absent."""
        source = self._source or self._new_source()
        self._source = source
        with out.part(group="cpu"):
            self._publish_cpu(source, out)
        for group, publish in _GROUPS.items():
            with out.part(group=group):
                publish(source, out)

    def close(self) -> None:
        """Let go of every file."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def _new_source(self) -> Source:
        options = self.config
        patterns = {
            "devices": options.devices,
            "mountpoints": options.mountpoints,
            "interfaces": options.interfaces,
        }
        if not _has_proc(self.ctx):
            # Imported only here: psutil costs 4 MiB, and on Linux nothing needs it.
            from collector_plugins.system.portable import PortableSource  # noqa: PLC0415

            return PortableSource(**patterns)
        proc = self.ctx.path("/proc")
        if not proc.is_dir():
            raise NotAvailable("not_found", f"{proc} does not exist", fix=_FIX_ROOT)
        return LinuxSource(self.ctx, **patterns)

    def _publish_cpu(self, source: Source, out: Readings) -> None:
        now = self.ctx.clock.monotonic()
        times = source.cpu_times()
        if times is None:
            return
        for cpu, row in times.cores.items():
            for mode, seconds in zip(times.modes, row, strict=False):
                out.add(CPU_SECONDS, seconds, cpu=cpu, mode=mode)
        total, by_core = self._usage.update(now, times)
        _add(out, CPU_USAGE, total)
        for cpu, ratio in by_core.items():
            out.add(CPU_CORE_USAGE, ratio, cpu=cpu)


def _has_proc(ctx: Context) -> bool:
    """Whether to read /proc: on Linux, and wherever a root was configured, such as a tree copied from a machine."""
    return sys.platform == "linux" or ctx.root != Path("/")


def _add(out: Readings, metric: Metric, value: float | None, **labels: str) -> None:
    if value is not None:
        out.add(metric, value, **labels)


def _publish_boot_time(source: Source, out: Readings) -> None:
    _add(out, BOOT_TIME, source.boot_time())


def _publish_frequencies(source: Source, out: Readings) -> None:
    for cpu, hertz in source.cpu_frequencies().items():
        out.add(CPU_FREQUENCY, hertz, cpu=cpu)


def _publish_cpu_info(source: Source, out: Readings) -> None:
    info = source.cpu_info()
    if info is not None:
        out.add(CPU_INFO, model=info.model, cores=str(info.cores), threads=str(info.threads))


def _publish_load(source: Source, out: Readings) -> None:
    for period, tasks in source.load_averages().items():
        out.add(LOAD_AVERAGE, tasks, period=period)


def _publish_memory(source: Source, out: Readings) -> None:
    out.add_row(_MEMORY, source.memory())


def _publish_disks(source: Source, out: Readings) -> None:
    for device, disk in source.disks().items():
        out.add_row(_DISK, disk, device=device)


def _publish_filesystems(source: Source, out: Readings) -> None:
    for (mountpoint, fstype), status in source.filesystems().items():
        if isinstance(status, OSError):
            with out.part(group="filesystems", mountpoint=mountpoint):
                raise status
        else:
            out.add_row(_FILESYSTEM, status, mountpoint=mountpoint, fstype=fstype)


def _publish_network(source: Source, out: Readings) -> None:
    for device, interface in source.interfaces().items():
        out.add_row(_NETWORK, interface, device=device)


def _publish_temperatures(source: Source, out: Readings) -> None:
    for (chip, sensor), celsius in source.temperatures().items():
        out.add(TEMPERATURE, celsius, chip=chip, sensor=sensor)


def _publish_sockets(source: Source, out: Readings) -> None:
    for (kind, state), number in source.sockets().items():
        out.add(SOCKETS, number, kind=kind, state=state)


# After the CPUs: on Linux the boot time is in the file that was read for them.
_GROUPS: dict[str, Callable[[Source, Readings], None]] = {
    "boot_time": _publish_boot_time,
    "frequencies": _publish_frequencies,
    "cpu_info": _publish_cpu_info,
    "load": _publish_load,
    "memory": _publish_memory,
    "disks": _publish_disks,
    "filesystems": _publish_filesystems,
    "network": _publish_network,
    "temperatures": _publish_temperatures,
    "sockets": _publish_sockets,
}


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [System]


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """The simulated collector."""
    from collector_plugins.system.demo import DemoSystem  # noqa: PLC0415 - no other command needs it

    return [DemoSystem]
