"""Host metrics: CPUs, memory, disks, file systems, network, temperatures and sockets."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from collector_core import (
    Collector,
    CollectorConfig,
    Context,
    Field,
    Metric,
    NotAvailable,
    Readings,
    hookimpl,
)
from collector_plugins.system import metrics
from collector_plugins.system.filters import Patterns
from collector_plugins.system.linux import LinuxSource
from collector_plugins.system.source import Source
from collector_plugins.system.steady import SteadyTimes
from collector_plugins.system.usage import CpuUsage

KeyT = TypeVar("KeyT", bound=tuple[str, ...])

_FIX_ROOT = "mount the host's /proc and /sys below `root`, e.g. docker run -v /:/host:ro,rslave, with root: /host"


class Config(CollectorConfig):
    """Options of the system plugin."""

    devices: Patterns = Field(default=Patterns(), description="Disks, by the name in /sys/block.")
    mountpoints: Patterns = Field(default=Patterns(), description="File systems, by their mount point.")
    interfaces: Patterns = Field(default=Patterns(), description="Network interfaces, by name.")


class System(Collector[Config]):
    """Publishes what the operating system knows of the machine; each group of metrics may fail alone."""

    name = "system"
    metrics = metrics.ALL
    config_type = Config
    needs_two_runs = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._source: Source | None = None
        self._steady = SteadyTimes()
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
        raw = source.cpu_times()
        if raw is None:
            return
        times = self._steady.update(raw)
        rows = times.cores.items()
        spent = {(cpu, mode): part for cpu, row in rows for mode, part in zip(times.modes, row, strict=False)}
        _add_each(out, metrics.CPU_SECONDS, spent)
        total, by_core = self._usage.update(now, times)
        _add(out, metrics.CPU_USAGE, total)
        _add_each(out, metrics.CPU_CORE_USAGE, {(cpu,): ratio for cpu, ratio in by_core.items()})


def _has_proc(ctx: Context) -> bool:
    """Whether to read /proc: on Linux, and wherever a root was configured, such as a tree copied from a machine."""
    return sys.platform == "linux" or ctx.root != Path("/")


def _add(out: Readings, metric: Metric, value: float | None, **labels: str) -> None:
    if value is not None:
        out.add(metric, value, **labels)


def _add_each(out: Readings, metric: Metric, values: Mapping[KeyT, float]) -> None:
    """Publish one metric of many things by their label values."""
    out.add_column(metric, list(values), list(values.values()))


def _publish_boot_time(source: Source, out: Readings) -> None:
    _add(out, metrics.BOOT_TIME, source.boot_time())


def _publish_frequencies(source: Source, out: Readings) -> None:
    _add_each(out, metrics.CPU_FREQUENCY, {(cpu,): hertz for cpu, hertz in source.cpu_frequencies().items()})


def _publish_cpu_info(source: Source, out: Readings) -> None:
    info = source.cpu_info()
    if info is not None:
        out.add(metrics.CPU_INFO, model=info.model, cores=str(info.cores), threads=str(info.threads))


def _publish_load(source: Source, out: Readings) -> None:
    for period, tasks in source.load_averages().items():
        out.add(metrics.LOAD_AVERAGE, tasks, period=period)


def _publish_memory(source: Source, out: Readings) -> None:
    out.add_row(metrics.MEMORY, source.memory())


def _publish_disks(source: Source, out: Readings) -> None:
    for device, disk in source.disks().items():
        _add_member(out, metrics.DISK, disk, "disks", device=device)


def _publish_filesystems(source: Source, out: Readings) -> None:
    for (mountpoint, fstype), status in source.filesystems().items():
        _add_member(out, metrics.FILESYSTEM, status, "filesystems", mountpoint=mountpoint, fstype=fstype)


def _publish_network(source: Source, out: Readings) -> None:
    for device, interface in source.interfaces().items():
        _add_member(out, metrics.NETWORK, interface, "network", device=device)


def _add_member(
    out: Readings, row_metrics: Sequence[Metric], row: Sequence[float | None] | Exception, group: str, **labels: str
) -> None:
    """Publish what is known of one member of a group; one that cannot be read fails alone."""
    if isinstance(row, Exception):
        with out.part(group=group, **labels):
            raise row
    else:
        out.add_row(row_metrics, row, **labels)


def _publish_temperatures(source: Source, out: Readings) -> None:
    _add_each(out, metrics.TEMPERATURE, source.temperatures())


def _publish_sockets(source: Source, out: Readings) -> None:
    _add_each(out, metrics.SOCKETS, source.sockets())


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
