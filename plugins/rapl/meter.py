"""One zone's energy over time."""

from __future__ import annotations

from dataclasses import dataclass

from collector_core import Clock, EnergyReading, WrapCounter
from collector_plugins.rapl.powercap import read_number
from collector_plugins.rapl.zones import Zone

MICROJOULES = 1e6  # in a joule


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run read: the counter in microjoules, whether it moved, and the mean power since the last reading."""

    raw: int
    moved: bool
    watts: float | None


class Meter:
    """Follows a zone's counter; outlives the zone, so that its joules never fall within one process."""

    def __init__(self, zone: Zone) -> None:
        self.moves = 0
        self._counter = WrapCounter(zone.maximum, zone.max_watts * MICROJOULES)
        self._last: tuple[int, float] | None = None

    @property
    def alive(self) -> bool:
        """Whether the counter has ever moved: some processors show counters that they do not have."""
        return self.moves > 0

    def latest(self) -> EnergyReading | None:
        """What the last reading gave; None while the counter has not moved, or after its zone has gone."""
        last = self._last
        return EnergyReading(self.joules, last[1], self.unknown_gaps) if last and self.alive else None

    @property
    def joules(self) -> float:
        """Energy since the first reading."""
        return self._counter.total / MICROJOULES

    @property
    def unknown_gaps(self) -> int:
        """How often the growth between two readings could not be known."""
        return self._counter.unknown_gaps

    def adopt(self, zone: Zone) -> None:
        """Take over what a new scan of the tree says about the zone."""
        self._counter.max_rate = zone.max_watts * MICROJOULES
        if zone.maximum and zone.maximum != self._counter.maximum:
            self.forget()
            self._counter.maximum = zone.maximum

    def forget(self) -> None:
        """The zone is gone: should it come back, it counts from what it says then."""
        self._counter.forget()
        self._last = None

    def read(self, zone: Zone, clock: Clock) -> Reading:
        """Read the zone's counter; raises `OSError` or `ValueError`, and then nothing has changed."""
        started = clock.monotonic()
        raw = read_number(zone.energy_file)
        now = (started + clock.monotonic()) / 2
        growth = self._counter.update(raw, now)
        last, self._last = self._last, (raw, now)
        if last is None:
            return Reading(raw, moved=False, watts=None)
        moved, elapsed = raw != last[0], now - last[1]
        self.moves += moved
        return Reading(raw, moved, None if growth is None or elapsed <= 0 else growth / MICROJOULES / elapsed)
