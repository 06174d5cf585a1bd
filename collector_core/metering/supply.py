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
    if not feeding:
        return []
    found: _Outermost = {}
    for meter in reversed(_feeding_only_us(feeding)):
        itself = [meter] if meter in alive else None
        found[meter] = _supplying(names_of(meter), feeding, found) or itself
    return _supplying(MACHINE_NAMES, feeding, found) or []


def names_of(meter: EnergyMeter) -> frozenset[str]:
    """What a meter may be called in `feeds`."""
    return frozenset({f"{meter.component}/{meter.device}", f"{meter.plugin}/{meter.device}"})


# Of each meter: itself or what feeds it; None: none is alive.
_Outermost = dict[EnergyMeter, "list[EnergyMeter] | None"]


def _feeding_only_us(feeding: Sequence[EnergyMeter]) -> list[EnergyMeter]:
    """The meters that feed this machine alone, directly or through others: each comes after what it feeds."""
    ours: dict[EnergyMeter, None] = {}
    names = set(MACHINE_NAMES)
    while new := [meter for meter in feeding if meter not in ours and names.issuperset(meter.feeds)]:
        ours |= dict.fromkeys(new)
        names.update(name for meter in new for name in names_of(meter))
    return list(ours)


def _supplying(names: frozenset[str], feeding: Sequence[EnergyMeter], found: _Outermost) -> list[EnergyMeter] | None:
    """Who feeds what has one of these names, the outermost first; None where nobody does, or not all is known."""
    feeders = [meter for meter in feeding if not names.isdisjoint(meter.feeds)]
    for kind in Supply:
        chains = [found.get(meter) for meter in feeders if meter.supply is kind]
        known = [chain for chain in chains if chain is not None]
        if chains and len(known) == len(chains):
            return list(dict.fromkeys(meter for chain in known for meter in chain))
    return None


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
