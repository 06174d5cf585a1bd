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

T = TypeVar("T")
KeyT = TypeVar("KeyT", bound=tuple[str, ...])

Key = tuple[str, ...]
Row = Sequence[float | None]
Rows = Mapping[Key, Row | Exception]

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
        for group, (row_metrics, read) in _GROUPS.items():
            with out.part(group=group):
                _publish(out, group, row_metrics, read(source))

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
        total, by_core = self._usage.update(now, times)
        out.add_column(metrics.CPU_SECONDS, list(spent), list(spent.values()))
        out.add_table((metrics.CPU_USAGE,), (), _single(total))
        out.add_table((metrics.CPU_CORE_USAGE,), ("cpu",), _singles(_by_name(by_core)))


def _has_proc(ctx: Context) -> bool:
    """Whether to read /proc: on Linux, and wherever a root was configured, such as a tree copied from a machine."""
    return sys.platform == "linux" or ctx.root != Path("/")


def _publish(out: Readings, group: str, row_metrics: tuple[Metric, ...], rows: Rows) -> None:
    """Publish what is known of the members of a group; one that cannot be read fails alone."""
    labels = row_metrics[0].labels
    out.add_table(row_metrics, labels, {key: row for key, row in rows.items() if not isinstance(row, Exception)})
    for key, row in rows.items():
        if isinstance(row, Exception):
            with out.part(group=group, **dict(zip(labels, key, strict=True))):
                raise row


def _single(value: float | None) -> dict[Key, Row]:
    return {} if value is None else {(): (value,)}


def _singles(values: Mapping[KeyT, float]) -> dict[Key, Row]:
    return {key: (value,) for key, value in values.items()}


def _by_name(named: Mapping[str, T]) -> dict[Key, T]:
    return {(name,): each for name, each in named.items()}


def _cpu_info(source: Source) -> dict[Key, Row]:
    info = source.cpu_info()
    return {} if info is None else {(info.model, str(info.cores), str(info.threads)): (1.0,)}


# After the CPUs: on Linux the boot time is in the file that was read for them.
_GROUPS: dict[str, tuple[tuple[Metric, ...], Callable[[Source], Rows]]] = {
    "boot_time": ((metrics.BOOT_TIME,), lambda source: _single(source.boot_time())),
    "frequencies": ((metrics.CPU_FREQUENCY,), lambda source: _singles(_by_name(source.cpu_frequencies()))),
    "cpu_info": ((metrics.CPU_INFO,), _cpu_info),
    "load": ((metrics.LOAD_AVERAGE,), lambda source: _singles(_by_name(source.load_averages()))),
    "memory": (metrics.MEMORY, lambda source: {(): source.memory()}),
    "disks": (metrics.DISK, lambda source: _by_name(source.disks())),
    "filesystems": (metrics.FILESYSTEM, lambda source: dict(source.filesystems().items())),
    "network": (metrics.NETWORK, lambda source: _by_name(source.interfaces())),
    "temperatures": ((metrics.TEMPERATURE,), lambda source: _singles(source.temperatures())),
    "sockets": ((metrics.SOCKETS,), lambda source: _singles(source.sockets())),
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
