"""Adds up what the chosen meters say, for as long as the process lives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from collector_core.metering.meters import EnergyMeter, EnergyMethod, EnergyReading
from collector_core.metering.selection import Prefer, choose
from collector_core.model.foreign_counter import ForeignCounter

# A meter that is not heard of for so long, and for so many times as long as before, is taken for gone: others step in.
STALE_SECONDS = 15.0
STALE_INTERVALS = 3.0


class Account(NamedTuple):
    """What a sum belongs to."""

    component: str
    device: str
    method: str


@dataclass
class _Entry:
    """A meter that has counted: its last reading, the last that was believed, and the watts between the last two of
    those; `lapsed` once another stood in."""

    meter: EnergyMeter
    believed: EnergyReading
    watts: float | None = None
    lapsed: bool = False

    def __post_init__(self) -> None:
        self.last = self.believed
        self._earlier: EnergyReading | None = None
        self._counter = ForeignCounter()
        self._counter.record(self.believed.joules, self.believed.time)

    @property
    def in_doubt(self) -> bool:
        """Whether the last reading is not believed yet."""
        return self._counter.in_doubt

    def advance(self, meter: EnergyMeter, reading: EnergyReading) -> tuple[float, int]:
        """Take the next reading; returns the joules that it adds, and how often some were left out."""
        self.meter = meter
        if reading == self.last:
            return 0.0, 0
        self.last, counter = reading, self._counter
        total, gaps = counter.total, counter.unknown_gaps
        counter.max_rate = meter.max_watts
        grown = counter.record(reading.joules, reading.time) - total
        if counter.in_doubt:
            self.watts = None
            return 0.0, 0
        is_told = reading.unknown_gaps != self.believed.unknown_gaps
        is_known = counter.unknown_gaps == gaps
        self._believe(reading, is_known=is_known)
        return grown, counter.unknown_gaps - gaps or int(is_told)

    def _believe(self, reading: EnergyReading, *, is_known: bool) -> None:
        """Learn the power, which is that since an earlier reading where this one takes back the one before."""
        earlier = self._earlier
        if is_known and reading.joules < self.believed.joules:
            if earlier is None or reading.joules < earlier.joules:
                self.watts = None
                return
            self.believed = earlier
        self.watts = reading.watts_since(self.believed) if is_known else None
        self._earlier, self.believed = self.believed, reading


@dataclass
class _Pace:
    """When a meter was heard of last, and how long after the time before, in seconds."""

    time: float
    interval: float = 0.0

    def hear(self, time: float) -> None:
        if time > self.time:
            self.time, self.interval = time, time - self.time

    def is_late(self, now: float) -> bool:
        return now - self.time > max(STALE_SECONDS, STALE_INTERVALS * self.interval)


class Ledger:
    """Each joule once: takes the meters of every run and counts the growth of those that `choose` names.

    The first reading of a meter counts as 0, whatever it says: a device may have counted all its life. Only one that
    says since when it counts, and that is since the ledger does, brings what it has counted. What a meter counted while
    another one stood for the same thing is left out; what it counted while nobody did is taken in when it counts again.
    A reading that the next one takes back, or that is more than the meter's `max_watts` allow, never counts.
    `joules` never falls; `unknown` is how often some energy of an account was not known and left out.
    """

    def __init__(self, prefer: Prefer = Prefer.PACKAGE) -> None:
        self.joules: dict[Account, float] = {}
        self.unknown: dict[Account, int] = {}
        self.chosen: tuple[EnergyMeter, ...] = ()
        self._prefer = prefer
        self._counting_since = inf
        self._entries: dict[Account, _Entry] = {}
        self._paces: dict[Account, _Pace] = {}

    def update(self, meters: Iterable[EnergyMeter], now: float) -> dict[Account, float]:
        """Take what the meters know at `now` (seconds, monotonic); returns the joules that are new, by account."""
        self._counting_since = min(self._counting_since, now)
        fresh = dict(self._fresh(meters, now))
        self.chosen = tuple(choose(fresh, self._prefer))
        new = {account_of(meter): self._count(meter, fresh[meter]) for meter in self.chosen}
        for account, joules in new.items():
            self.joules[account] = self.joules.get(account, 0.0) + joules
        for account, entry in self._entries.items():
            entry.lapsed |= account not in new and _stands_for(self.chosen, entry.meter)
        return new

    def watts(self) -> dict[Account, float]:
        """The power of what counted in the last update, where two readings tell it."""
        accounts = map(account_of, self.chosen)
        return {account: watts for account in accounts if (watts := self._entries[account].watts) is not None}

    def doubted(self) -> frozenset[Account]:
        """What counts, and last showed something that the next reading has to confirm."""
        accounts = map(account_of, self.chosen)
        return frozenset(account for account in accounts if self._entries[account].in_doubt)

    def _fresh(self, meters: Iterable[EnergyMeter], now: float) -> Iterator[tuple[EnergyMeter, EnergyReading]]:
        for meter in meters:
            if reading := meter.latest():
                pace = self._paces.setdefault(account_of(meter), _Pace(reading.time))
                pace.hear(reading.time)
                if not pace.is_late(now):
                    yield meter, reading

    def _count(self, meter: EnergyMeter, reading: EnergyReading) -> float:
        account = account_of(meter)
        entry = self._entries.get(account)
        if entry is None or entry.lapsed:
            is_whole = entry is None and self._saw_begin(meter)
            self._entries[account] = _Entry(meter, reading)
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


def account_of(meter: EnergyMeter) -> Account:
    """Where a meter's joules are booked."""
    return Account(meter.component, meter.device, meter.method)


def _stands_for(meters: Iterable[EnergyMeter] | Sequence[EnergyMeter], other: EnergyMeter) -> bool:
    """Whether one of `meters` counts energy that `other` counts too."""
    return any(_overlap(meter, other) for meter in meters if account_of(meter) != account_of(other))


def _overlap(one: EnergyMeter, other: EnergyMeter) -> bool:
    if one.component in other.covers or other.component in one.covers:
        return True
    same_device = one.device == other.device or EnergyMethod.MODEL in (one.method, other.method)
    return one.component == other.component and same_device
