"""The joules of the processors and their memory, as another collector counts them."""

from __future__ import annotations

import time

from collector_core import CommandContext, Component, EnergyMethod, NotAvailable

DEFAULT = "rapl"

_OTHER = "name another collector that counts the processor's joules with `--meter`"
_WAIT_SECONDS = 2.0
_AGAIN_SECONDS = 0.1
_LOOKS = 3

Meter = tuple[str, str]


class HardwareMeters:
    """The energy meters of one collector for processors and memory, as far as they are no models themselves."""

    def __init__(self, context: CommandContext, collector: str) -> None:
        self._context = context
        self.collector = collector

    def wait(self) -> None:
        """Read until the counters have moved: before, they show nothing, and dies are not told from duplicates.

        Raises `NotAvailable` where no processor is counted.
        """
        deadline, looks = self._context.clock.monotonic() + _WAIT_SECONDS, 0
        while looks < _LOOKS:
            if self._has_cpu():
                looks += 1
            elif self._context.clock.monotonic() >= deadline:
                detail = f"collector {self.collector} counts no energy of the processors"
                raise NotAvailable("not_found", detail, fix=_OTHER)
            time.sleep(_AGAIN_SECONDS)

    def joules(self) -> dict[Meter, float]:
        """Energy since the collector started; raises `NotAvailable` where the collector cannot run."""
        found: dict[Meter, float] = {}
        for meter in self._context.energy_meters(self.collector):
            if meter.component in (Component.CPU, Component.DRAM) and meter.method != EnergyMethod.MODEL:
                reading = meter.latest()
                if reading is not None:
                    found[meter.component, meter.device] = reading.joules
        return found

    def _has_cpu(self) -> bool:
        return any(component == Component.CPU for component, _ in self.joules())
