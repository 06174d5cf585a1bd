"""The GPUs of this machine: how much they draw and how busy they are, as other collectors know it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from collector_core import Component, EnergyMeter, EnergyReading, Published, TopicSelector
from collector_core.metering import choose


@dataclass(frozen=True)
class Gpu:
    """One GPU: mean power in watts since the look before, and load from 0 to 1; None is not known."""

    device: str
    watts: float | None
    load: float | None


class LocalGpus:
    """Looks at the energy meters of GPUs, which are those of this machine, and at what is published of their load."""

    def __init__(self) -> None:
        self._last: dict[str, EnergyReading] = {}
        self._loads = TopicSelector("load", of="gpu")

    def read_gpus(self, meters: Iterable[EnergyMeter], published: Iterable[Published]) -> list[Gpu]:
        """Every GPU that has a meter; its power is not known at first, and over a gap."""
        chosen = [meter for meter in choose(meters) if meter.component == Component.GPU]
        now = {meter.device: reading for meter in chosen if (reading := meter.latest())}
        before, self._last = self._last, now
        loads = self._load_by_label(published)
        return [
            Gpu(device, reading.watts_since(before.get(device, reading)), loads.get(device))
            for device, reading in now.items()
        ]

    def _load_by_label(self, published: Iterable[Published]) -> dict[str, float]:
        """By the labels' values that only one GPU has: one of them is what its meter calls its device."""
        found: dict[str, list[float]] = {}
        for series, value in self._loads.select(published):
            for text in set(series.labels.values()):
                found.setdefault(text, []).append(value)
        return {text: values[0] for text, values in found.items() if len(values) == 1}


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
