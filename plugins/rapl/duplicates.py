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


_Owners = tuple[str, str, str]


class Mirrors:
    """Finds dies and packages that all report one counter, by comparing what they read.

    Some firmware does not tell the dies of a package apart, and some does; a Xen host shows its first guest as many
    packages as that has processors, all with the counters of one. The names look the same. Parts and memory of two
    packages are the same only where the packages are.
    """

    def __init__(self) -> None:
        self._equal: dict[tuple[str, str], int] = {}
        self._zones: Mapping[str, Zone] = {}
        self._pairs: tuple[tuple[Zone, Zone], ...] = ()

    def update(self, zones: Mapping[str, Zone], readings: Mapping[str, Reading]) -> dict[str, str]:
        """Take one run's readings by path; returns the duplicates known now: path → path of the first of them."""
        if zones is not self._zones:
            self._zones, self._pairs = zones, tuple(_pairs(zones))
        duplicates: dict[str, str] = {}
        same_owners: set[_Owners] = set()
        for first, second in self._pairs:
            pair = first.path, second.path
            if first.path in readings and second.path in readings:
                self._compare(pair, readings, MICROJOULES * max(first.max_watts, second.max_watts), first.maximum)
            if self._equal.get(pair, 0) >= EQUAL_SAMPLES and _may_mirror(first, second, same_owners):
                duplicates.setdefault(second.path, duplicates.get(first.path, first.path))
        return duplicates

    def undecided(self, readings: Mapping[str, Reading]) -> frozenset[str]:
        """Zones of the last update that still have to be told from another one: both show the same counter so far."""
        found: set[str] = set()
        same_owners: set[_Owners] = set()
        for first, second in self._pairs:
            here, there = readings.get(first.path), readings.get(second.path)
            is_same = here is not None and there is not None and here.raw == there.raw
            if is_same and _may_mirror(first, second, same_owners):
                found.add(second.path)
        return frozenset(path for path in found if self._is_new(path))

    def _is_new(self, path: str) -> bool:
        """Whether a zone has not been compared often enough with any other one."""
        return all(count < EQUAL_SAMPLES for pair, count in self._equal.items() if path in pair)

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


def _may_mirror(first: Zone, second: Zone, same_owners: set[_Owners]) -> bool:
    """Whether two zones that show the same may be the same; `same_owners` are the packages found to be, so far."""
    owners = first.control_type, first.owner, second.owner
    if first.name == first.owner:
        same_owners.add(owners)
    return "-die-" in first.owner or owners in same_owners


def _preference(zone: Zone) -> tuple[bool, tuple[tuple[int, str], ...]]:
    return zone.control_type != PREFERRED_CONTROL_TYPE, natural_order(zone.path)


def _pairs(zones: Mapping[str, Zone]) -> Iterator[tuple[Zone, Zone]]:
    """Zones that differ in nothing but their package, or the die of one package."""
    owned = sorted((zone for zone in zones.values() if zone.owner), key=lambda zone: natural_order(zone.path))
    for first, second in combinations(owned, 2):
        if first.owner != second.owner and _kind(first) == _kind(second):
            yield first, second


def _kind(zone: Zone) -> tuple[str, str, str, int | None]:
    within = zone.package if "-die-" in zone.owner else ""
    return zone.control_type, within, "" if zone.name == zone.owner else zone.name, zone.maximum
