"""Meters that no machine's ledger counts, followed from run to run: what they have counted since, and their power."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import NamedTuple, TypeVar

from collector_core.metering.entry import MeterEntry
from collector_core.metering.meters import EnergyMeter
from collector_core.metering.pace import Paces

KeyT = TypeVar("KeyT", bound=Hashable)


class Grown(NamedTuple):
    """What a meter has counted since it was looked at last, in joules; None while that is not known.

    `is_back` says that it was silent in between, so that these are the joules of a longer time. `time` is that of the
    reading, in monotonic seconds.
    """

    joules: float | None
    watts: float | None
    is_back: bool = False
    time: float | None = None


class FollowedMeters:
    """Follows meters by key; the first reading of each counts as 0, and resets are taken as in the ledger."""

    def __init__(self) -> None:
        self._paces = Paces()
        self._entries: dict[Hashable, MeterEntry] = {}
        self._heard: frozenset[Hashable] = frozenset()

    def update(self, meters: Mapping[KeyT, EnergyMeter], now: float) -> dict[KeyT, Grown]:
        """What those that are alive at `now` (seconds, monotonic) say."""
        grown: dict[KeyT, Grown] = {}
        for key, meter in meters.items():
            if reading := self._paces.fresh(key, meter, now):
                entry = self._entries.get(key)
                if entry is None:
                    self._entries[key] = MeterEntry(meter, reading)
                    grown[key] = Grown(None, None, time=reading.time)
                else:
                    joules, lost = entry.advance(meter, reading)
                    grown[key] = Grown(None if lost else joules, entry.watts, key not in self._heard, reading.time)
        self._heard = frozenset(grown)
        return grown

    def forget(self, key: Hashable) -> None:
        """Another meter has counted what this one knows: its next reading is a first one."""
        self._entries.pop(key, None)
