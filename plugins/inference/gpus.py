"""The GPUs of this machine: how much they draw and how busy they are, as other collectors know it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from collector_core import Component, EnergyMeter, EnergyReading, Published, Selector
from collector_core.metering import choose

UTILIZATION = "nvidia_gpu_utilization_ratio"
DEVICE_LABEL = "uuid"  # what that metric calls a meter's device


@dataclass(frozen=True)
class Gpu:
    """One GPU: mean power in watts since the look before, and load from 0 to 1; None is not known."""

    device: str
    watts: float | None
    load: float | None


class LocalGpus:
    """Looks at the energy meters of GPUs, which are those of this machine, and at the metric of their load."""

    def __init__(self) -> None:
        self._last: dict[str, EnergyReading] = {}
        self._loads = Selector.parse(UTILIZATION)

    def look(self, meters: Iterable[EnergyMeter], published: Iterable[Published]) -> list[Gpu]:
        """Every GPU that has a meter; its power is not known at first, and over a gap."""
        chosen = [meter for meter in choose(meters) if meter.component == Component.GPU]
        now = {meter.device: reading for meter in chosen if (reading := meter.latest())}
        before, self._last = self._last, now
        loads = {series.labels.get(DEVICE_LABEL): value for series, value in self._loads.select(published)}
        return [
            Gpu(device, reading.watts_since(before.get(device, reading)), loads.get(device))
            for device, reading in now.items()
        ]


def matching(gpus: Iterable[Gpu], patterns: Sequence[str]) -> frozenset[Gpu]:
    """The GPUs whose device fits one of the patterns."""
    return frozenset(gpu for gpu in gpus if any(fnmatchcase(gpu.device, pattern) for pattern in patterns))


def total_watts(gpus: Iterable[Gpu]) -> float | None:
    """What they draw together; None where one of them is not known, or there are none."""
    watts = [gpu.watts for gpu in gpus]
    known = [each for each in watts if each is not None]
    return sum(known) if known and len(known) == len(watts) else None


def mean_load(gpus: Iterable[Gpu]) -> float | None:
    """How busy they are on average; None where one of them is not known, or there are none."""
    loads = [gpu.load for gpu in gpus]
    known = [each for each in loads if each is not None]
    return sum(known) / len(known) if known and len(known) == len(loads) else None
