"""How often meters are heard of, and when one is taken for gone."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from collector_core.metering.meters import EnergyMeter, EnergyReading

# A meter that is not heard of for so long, and for so many times as long as before, is taken for gone: others step in.
STALE_SECONDS = 15.0
STALE_INTERVALS = 3.0


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


class Paces:
    """Follows when each meter spoke."""

    def __init__(self) -> None:
        self._paces: dict[Hashable, _Pace] = {}

    def fresh(self, key: Hashable, meter: EnergyMeter, now: float) -> EnergyReading | None:
        """What a meter knows at `now` (seconds, monotonic); None where it is silent or has been for too long."""
        reading = meter.latest()
        if reading is None:
            return None
        pace = self._paces.get(key)
        if pace is None:
            pace = self._paces[key] = _Pace(reading.time)
        pace.hear(reading.time)
        return None if pace.is_late(now) else reading
