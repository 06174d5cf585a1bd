"""What a source says of one GPU, in base units, whatever the source is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from collector_core import Metric
from collector_plugins.nvidia.metrics import POWER, POWER_LIMIT, THROTTLED
from collector_plugins.nvidia.pci import PciGpu

# Bits of nvmlDeviceGetCurrentClocksEventReasons, which nvidia-smi shows as clocks_event_reasons.active:
# NVML API reference, "nvmlClocksEventReasons"; the names are those of nvidia-smi's fields.
EVENT_REASONS = {
    0x001: "gpu_idle",
    0x002: "applications_clocks_setting",
    0x004: "sw_power_cap",
    0x008: "hw_slowdown",
    0x010: "sync_boost",
    0x020: "sw_thermal_slowdown",
    0x040: "hw_thermal_slowdown",
    0x080: "hw_power_brake_slowdown",
    0x100: "display_clock_setting",
}


Awake = Mapping[str, str]
"""The GPUs that may be read where others sleep: their index by their address on the PCI bus."""


class Series(NamedTuple):
    """A metric of a GPU, and the values of the labels that it has beyond those of every GPU."""

    metric: Metric
    labels: tuple[str, ...] = ()


_POWER = Series(POWER)
_POWER_LIMIT = Series(POWER_LIMIT)
_THROTTLED = {bit: Series(THROTTLED, (reason,)) for bit, reason in EVENT_REASONS.items()}


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU at one moment.

    `counter` is the driver's energy counter in joules, None where there is none. `problems` says what could not be
    read although it should; what a GPU does not have is simply not in `series`. `address` is that on the PCI bus, as in
    `PciGpu`, where it is known, and `time` when the counter was read (seconds, monotonic), where that was not halfway
    through the whole reading. `busy_by_process` is how many seconds each process kept it busy so far, by pid, where the
    driver tells.
    """

    index: str
    uuid: str
    series: Mapping[Series, float]
    counter: float | None = None
    problems: tuple[str, ...] = ()
    address: str = ""
    time: float | None = None
    busy_by_process: Mapping[int, float] | None = None

    @property
    def power(self) -> float | None:
        """Watts."""
        return self.series.get(_POWER)

    @property
    def power_limit(self) -> float | None:
        """Watts, as the driver enforces them."""
        return self.series.get(_POWER_LIMIT)


@dataclass(frozen=True, slots=True)
class HostReading:
    """What a source says at one moment: its GPUs, and of each thing that it could not say why, by what it is.

    `pci` are the GPUs that the kernel lists, those that sleep too, where that is known.
    """

    gpus: tuple[Gpu, ...]
    failures: Mapping[str, Exception]
    pci: tuple[PciGpu, ...] = ()

    @property
    def asleep(self) -> frozenset[str]:
        """The addresses of those that sleep."""
        return frozenset(gpu.address for gpu in self.pci if gpu.asleep)


class Endpoint(Protocol):
    """Something that is asked for GPUs and may hang."""

    @property
    def name(self) -> str:
        """The label `source`: nvml, nvidia-smi, ssh, demo."""

    @property
    def stage(self) -> str:
        """What it is doing now, to say where it hangs: `connecting`, …."""

    @property
    def connections(self) -> int | None:
        """How many connections were opened so far; None where none are needed."""

    async def close(self) -> None:
        """Let go of everything; legal at any time."""


class GpuSource(Endpoint, Protocol):
    """Where a host's GPUs are read. `read` opens what it needs, and again after it failed."""

    async def read(self, awake: Awake | None = None) -> HostReading:
        """All GPUs, or only those that are `awake`; raises `NotAvailable` when there is nothing to be had."""


def throttled(reasons: int) -> Iterator[tuple[Series, float]]:
    """One series for each known reason, 1 where its bit is set in `reasons`."""
    for bit, series in _THROTTLED.items():
        yield series, float(bool(reasons & bit))
