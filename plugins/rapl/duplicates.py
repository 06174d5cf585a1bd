"""Finds zones that show a counter which another zone shows already, so that no joule is added twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from collector_plugins.rapl.meter import MICROJOULES, Reading
from collector_plugins.rapl.powercap import natural_order
from collector_plugins.rapl.zones import Zone

PREFERRED_CONTROL_TYPE = "intel-rapl"

# Two independent counters agree to the microjoule only by accident; twice while moving is no accident.
EQUAL_SAMPLES = 2

# Between the reads of two zones a shared counter moves on; longer than this the reads are never apart.
READ_SPREAD_SECONDS = 0.010


def same_hardware(zones: Mapping[str, Zone]) -> dict[str, str]:
    """Zones that another control type shows as well: path → path of the one to use.

    The kernel offers one register twice, as MSR (`intel-rapl`) and as memory-mapped I/O (`intel-rapl-mmio`).
    """
    first: dict[tuple[str, str], Zone] = {}
    duplicates = {}
    for zone in sorted(zones.values(), key=_preference):
        original = first.setdefault((zone.owner, zone.name), zone)
        if original.control_type != zone.control_type:
            duplicates[zone.path] = original.path
    return duplicates


class Mirrors:
    """Finds dies of one package that all report the package's counter, by comparing what they read.

    Some firmware does not tell dies apart, and some hardware does; the names look the same.
    """

    def __init__(self) -> None:
        self._equal: dict[tuple[str, str], int] = {}

    def update(self, zones: Mapping[str, Zone], readings: Mapping[str, Reading]) -> dict[str, str]:
        """Take one run's readings by path; returns the duplicates known now: path → path of the first of them."""
        duplicates: dict[str, str] = {}
        for first, second in _pairs(zones):
            pair = first.path, second.path
            if first.path in readings and second.path in readings:
                self._compare(pair, readings, MICROJOULES * max(first.max_watts, second.max_watts), first.maximum)
            if self._equal.get(pair, 0) >= EQUAL_SAMPLES:
                duplicates.setdefault(second.path, duplicates.get(first.path, first.path))
        return duplicates

    def _compare(
        self, pair: tuple[str, str], readings: Mapping[str, Reading], max_rate: float, maximum: int | None
    ) -> None:
        first, second = (readings[path] for path in pair)
        apart = abs(first.raw - second.raw)
        if maximum:
            apart = min(apart, maximum - apart)
        if apart > max_rate * READ_SPREAD_SECONDS:
            self._equal.pop(pair, None)
        elif first.raw == second.raw and first.moved and second.moved:
            self._equal[pair] = self._equal.get(pair, 0) + 1


def _preference(zone: Zone) -> tuple[bool, tuple[tuple[int, str], ...]]:
    return zone.control_type != PREFERRED_CONTROL_TYPE, natural_order(zone.path)


def _pairs(zones: Mapping[str, Zone]) -> Iterator[tuple[Zone, Zone]]:
    """Zones that differ in nothing but the die of their package."""
    dies = sorted((zone for zone in zones.values() if "-die-" in zone.owner), key=lambda zone: natural_order(zone.path))
    return ((first, second) for first, second in combinations(dies, 2) if _kind(first) == _kind(second))


def _kind(zone: Zone) -> tuple[str, str, str, int | None]:
    return zone.control_type, zone.package, "" if zone.name == zone.owner else zone.name, zone.maximum
