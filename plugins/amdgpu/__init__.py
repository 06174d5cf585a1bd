"""AMD GPUs: cards and APUs, as the driver amdgpu shows them below /sys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector_core import Collector, CollectorConfig, NotAvailable, Reason, hookimpl
from collector_core.devices import GpuCard, GpuReading, SysfsGpus
from collector_core.procfs import KeptFile

MICRO = 1e6
MILLI = 1e3
PERCENT = 100.0
MOST_WATTS = 5000.0
FIRST_FORMAT_OF_APUS = 2  # drivers/gpu/drm/amd/include/kgd_pp_interface.h: gpu_metrics_v2_x and v3_x


class Config(CollectorConfig):
    """No options: what there is to read is found."""


class AmdGpu(SysfsGpus[Config]):
    """Reads the files that Documentation/gpu/amdgpu/thermal.rst describes."""

    name = "amdgpu"
    config_type = Config
    drivers = frozenset({"amdgpu"})

    def read(self, card: GpuCard) -> GpuReading:
        """Power, use, temperature and memory; raises `NotAvailable` where the driver says none of them."""
        watts = _within(card.sensor("power1_average", "power1_input"), MICRO, MOST_WATTS)
        reading = GpuReading(
            watts=watts,
            utilization=_within(card.number("gpu_busy_percent"), PERCENT, 1.0),
            celsius=_within(card.sensor("temp1_input", "temp2_input"), MILLI, 200.0),
            memory_used=_within(card.number("mem_info_vram_used"), 1.0, 1e15),
            memory_total=_within(card.number("mem_info_vram_total"), 1.0, 1e15),
            is_shared=_is_apu(card),
        )
        if all(value is None for value in reading[:-1]):
            raise NotAvailable(Reason.BAD_DATA, "the driver says nothing about it", fix="sudo dmesg | grep amdgpu")
        return reading


def _within(value: float | None, per_unit: float, most: float) -> float | None:
    """A reading in its base unit; None where it is missing or impossible."""
    return value / per_unit if value is not None and 0 <= value / per_unit <= most else None


def _is_apu(card: GpuCard) -> bool:
    """Whether the processor shares the chip, so that its watts are among the GPU's.

    The driver's table of metrics says so by its format; older drivers have none, and APUs no mean power then.
    """
    try:
        header = KeptFile(card.folder / "gpu_metrics", is_kernels=False, keep_open=False).read(4)
    except OSError:
        header = b""
    if len(header) == 4:
        return header[2] >= FIRST_FORMAT_OF_APUS
    return "power1_average" not in card.sensors and "power1_input" in card.sensors


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (AmdGpu,)
