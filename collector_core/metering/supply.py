"""Which meters outside of a machine say what it draws, so that each joule counts once: a UPS, a plug, the chassis.

1. A meter says what it feeds: this machine, or another meter. What feeds something else too (another machine, a meter
   that feeds one) is not this machine's energy and never counts.
2. Of a chain the outermost that is alive counts: where the UPS that feeds the plug dies, the plug goes on.
3. Several meters of one kind that feed the same are added up: two power supplies have a plug each. One of them alone
   is not the machine: where it dies, that chain does not count.
4. Of several kinds that feed the same without naming each other, the outermost kind counts: `Supply` has the order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from collector_core.metering.meters import EnergyMeter, Supply

MACHINE = "host"
MACHINE_NAMES = frozenset({MACHINE, "this"})


@runtime_checkable
class GivesFeeds(Protocol):
    """Options of a collector that say what its devices feed."""

    def device_feeds(self) -> Mapping[str, tuple[str, ...]]:
        """As they are configured, by the names of the devices."""


def outermost(meters: Iterable[EnergyMeter], alive: Collection[EnergyMeter]) -> list[EnergyMeter]:
    """The meters whose sum is what this machine draws, of those that are `alive`; none where its components are."""
    feeding = [meter for meter in meters if meter.feeds]
    return _Chain(feeding, alive).supplying(MACHINE_NAMES, frozenset()) or []


def names_of(meter: EnergyMeter) -> frozenset[str]:
    """What a meter may be called in `feeds`."""
    return frozenset({f"{meter.component}/{meter.device}", f"{meter.plugin}/{meter.device}"})


class _Chain:
    def __init__(self, feeding: Sequence[EnergyMeter], alive: Collection[EnergyMeter]) -> None:
        self._feeding = feeding
        self._alive = alive
        self._by_name: Mapping[str, EnergyMeter] = {name: meter for meter in feeding for name in names_of(meter)}

    def supplying(self, names: frozenset[str], seen: frozenset[str]) -> list[EnergyMeter] | None:
        """Who feeds what has one of these names, the outermost first; None where nobody does, or not all is known."""
        feeders = [meter for meter in self._feeding if not names.isdisjoint(meter.feeds)]
        for kind in Supply:
            found = [self._outermost(meter, seen | names) for meter in feeders if meter.supply is kind]
            if found and all(each is not None for each in found):
                return list(dict.fromkeys(meter for each in found for meter in each or ()))
        return None

    def _outermost(self, meter: EnergyMeter, seen: frozenset[str]) -> list[EnergyMeter] | None:
        """The meter itself, or what feeds it; None where neither is alive, or the meter feeds others too."""
        names = names_of(meter)
        if not names.isdisjoint(seen) or not self._feeds_only_us(meter, frozenset()):
            return None
        if outer := self.supplying(names, seen):
            return outer
        return [meter] if meter in self._alive else None

    def _feeds_only_us(self, meter: EnergyMeter, seen: frozenset[str]) -> bool:
        return all(self._is_ours(name, seen | names_of(meter)) for name in meter.feeds)

    def _is_ours(self, name: str, seen: frozenset[str]) -> bool:
        if name in MACHINE_NAMES:
            return True
        fed = self._by_name.get(name)
        return fed is not None and name not in seen and self._feeds_only_us(fed, seen)


def fed(meter: EnergyMeter, feeds: Mapping[str, tuple[str, ...]]) -> EnergyMeter:
    """The meter, with what `feeds` says by its name that it feeds; it is then no part of what it feeds."""
    named = next((name for name in names_of(meter) if name in feeds), None)
    return meter if named is None else replace(meter, feeds=feeds[named], inside=None)


def contradictions(one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The meters of which two statements say different things."""
    for name in one.keys() & other.keys():
        if _plain(one[name]) != _plain(other[name]):
            yield name


def _plain(names: Sequence[str]) -> frozenset[str]:
    return frozenset(MACHINE if name in MACHINE_NAMES else name for name in names)
