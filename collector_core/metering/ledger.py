"""Adds up what the chosen meters say, for as long as the process lives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf

from collector_core.metering.entry import MeterEntry
from collector_core.metering.meters import Account, EnergyMeter, EnergyMethod, EnergyReading, account_of
from collector_core.metering.pace import STALE_SECONDS, Paces
from collector_core.metering.rest import REST, Rest
from collector_core.metering.selection import Prefer, choose


class Ledger:
    """Each joule once: takes the meters of every run and counts the growth of those that `choose` names.

    The first reading of a meter counts as 0, whatever it says: a device may have counted all its life. Only one that
    says since when it counts, and that is since the ledger does, brings what it has counted. What a meter counted while
    another one stood for the same thing is left out; what it counted while nobody did is taken in when it counts again.
    A reading that the next one takes back, or that is more than the meter's `max_watts` allow, never counts.
    `joules` never falls; `unknown` is how often some energy of an account was not known and left out.

    Where meters outside of the machine feed it (`supply`), what they say is the sum: what the chosen meters do not
    account for is the account `REST`. See `supply.py` for which of them count.
    """

    def __init__(self, prefer: Prefer = Prefer.PACKAGE) -> None:
        self.joules: dict[Account, float] = {}
        self.unknown: dict[Account, int] = {}
        self.chosen: tuple[EnergyMeter, ...] = ()
        self._alive: tuple[EnergyMeter, ...] = ()
        self._watts: Mapping[Account, float] | None = {}
        self._rest = Rest()
        self._prefer = prefer
        self._counting_since = inf
        self._entries: dict[Account, MeterEntry] = {}
        self._paces = Paces()

    def update(self, meters: Iterable[EnergyMeter], now: float) -> dict[Account, float]:
        """Take what the meters know at `now` (seconds, monotonic); returns the joules that are new, by account."""
        self._counting_since = min(self._counting_since, now)
        meters = tuple(meter for meter in meters if not meter.is_foreign)
        fresh = dict(self._fresh(meters, now))
        self._choose(tuple(fresh))
        new = {account_of(meter): self._count(meter, fresh[meter]) for meter in self.chosen}
        rest = self._rest.update(meters, fresh, sum(new.values()))
        if rest is not None:
            new[REST] = rest
            self.unknown.setdefault(REST, 0)
        for account, joules in new.items():
            self.joules[account] = self.joules.get(account, 0.0) + joules
        for account, entry in self._entries.items():
            entry.lapsed |= account not in new and _stands_for(self.chosen, entry.meter)
        self._watts = None
        return new

    def watts(self) -> Mapping[Account, float]:
        """The power of what counted in the last update, where two readings tell it; never changed afterwards."""
        if self._watts is None:
            accounts = map(account_of, self.chosen)
            known = {account: watts for account in accounts if (watts := self._entries[account].watts) is not None}
            rest = self._rest.watts(sum(known.values()))
            self._watts = known if rest is None else known | {REST: rest}
        return self._watts

    @property
    def supply(self) -> tuple[EnergyMeter, ...]:
        """The meters outside of the machine whose sum it is; none where its components are."""
        return self._rest.supply

    def doubted(self) -> frozenset[Account]:
        """What counts, and last showed something that the next reading has to confirm."""
        accounts = map(account_of, self.chosen)
        return frozenset(account for account in accounts if self._entries[account].in_doubt)

    def _choose(self, alive: tuple[EnergyMeter, ...]) -> None:
        """Find out which of them count; nearly always they are those of the last update."""
        if alive != self._alive:
            self._alive = alive
            self.chosen = tuple(choose((meter for meter in alive if not meter.feeds), self._prefer))

    def _fresh(self, meters: Iterable[EnergyMeter], now: float) -> Iterator[tuple[EnergyMeter, EnergyReading]]:
        for meter in meters:
            if reading := self._paces.fresh(account_of(meter), meter, now):
                yield meter, reading

    def _count(self, meter: EnergyMeter, reading: EnergyReading) -> float:
        account = account_of(meter)
        entry = self._entries.get(account)
        if entry is None or entry.lapsed:
            is_whole = entry is None and self._saw_begin(meter)
            self._entries[account] = MeterEntry(meter, reading)
            self.unknown[account] = self.unknown.get(account, -1) + 1
            return reading.joules if is_whole else 0.0
        joules, lost = entry.advance(meter, reading)
        self.unknown[account] += lost
        return joules

    def _saw_begin(self, meter: EnergyMeter) -> bool:
        """Whether all that a meter has counted is energy since the ledger counts, and nobody stood in for it."""
        if meter.counting_since is None or meter.counting_since < self._counting_since - STALE_SECONDS:
            return False
        return not _stands_for((entry.meter for entry in self._entries.values()), meter)


def _stands_for(meters: Iterable[EnergyMeter], other: EnergyMeter) -> bool:
    """Whether one of `meters` counts energy that `other` counts too."""
    return any(_overlap(meter, other) for meter in meters if account_of(meter) != account_of(other))


def _overlap(one: EnergyMeter, other: EnergyMeter) -> bool:
    if one.component in other.covers or other.component in one.covers:
        return True
    same_device = one.device == other.device or EnergyMethod.MODEL in (one.method, other.method)
    return one.component == other.component and same_device
