"""Intel GPUs: Arc, Flex, Max and those inside processors, as the drivers i915 and xe show them below /sys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector_core import Collector, CollectorConfig, Context, NotAvailable, Reason, hookimpl
from collector_core.devices import GpuCard, GpuReading, SysfsGpus
from collector_core.procfs import read_line
from collector_plugins.intelgpu.clients import GpuClients

MICRO = 1e6
MILLI = 1e3
MOST_CELSIUS = 200.0
# How long the render engine has been powered down, in milliseconds; by driver and its age.
IDLE_OF_CARD = ("gt/gt0/rc6_residency_ms", "power/rc6_residency_ms")
IDLE_OF_DEVICE = "tile0/gt0/gtidle/idle_residency_ms"


class Config(CollectorConfig):
    """No options: what there is to read is found."""


class IntelGpu(SysfsGpus[Config]):
    """Reads the files of sysfs-driver-intel-i915-hwmon and sysfs-driver-intel-xe-hwmon (Documentation/ABI/testing)."""

    name = "intelgpu"
    config_type = Config
    drivers = frozenset({"i915", "xe"})

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._clients = GpuClients(ctx.path("/proc"), ctx.clock)

    def read(self, card: GpuCard) -> GpuReading:
        """Energy, idle time and temperature; raises `NotAvailable` where the driver says none of them."""
        microjoules = card.sensor("energy1_input", "energy2_input")  # the card, else the chip on it
        millidegrees = card.sensor("temp1_input", "temp2_input")
        celsius = None if millidegrees is None else millidegrees / MILLI
        reading = GpuReading(
            joules=None if microjoules is None or microjoules < 0 else microjoules / MICRO,
            idle_seconds=_idle_seconds(card),
            celsius=celsius if celsius is not None and 0 <= celsius <= MOST_CELSIUS else None,
            memory_used=self._clients.memory_used(card.address),
            memory_total=card.number("tile0/physical_vram_size_bytes") or None,
        )
        if all(value is None for value in reading[:-1]):
            raise NotAvailable(
                Reason.BAD_DATA, "the driver says nothing about it", fix="sudo dmesg | grep -E 'i915|xe'"
            )
        return reading


def _idle_seconds(card: GpuCard) -> float | None:
    files = [card.folder / IDLE_OF_DEVICE, *(card.card / path for path in IDLE_OF_CARD if card.card)]
    found = next((text for file in files if (text := read_line(file)).isdecimal()), None)
    return None if found is None else int(found) / MILLI


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (IntelGpu,)
