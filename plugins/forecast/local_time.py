"""Puts a series on the clock on the wall, so that a day with daylight saving is a day like others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from collector_plugins.forecast.series import TimeSeries


@dataclass(frozen=True)
class LocalClock:
    """Places of a series' steps, and of those after it, on a grid of local time."""

    places: Sequence[int]
    known_steps: int

    def values(self, values: Sequence[float | None]) -> list[float | None]:
        """The series on the local grid: an hour that the clock skips is a gap, of a repeated one the later counts."""
        local: list[float | None] = [None] * (self.places[self.known_steps - 1] + 1)
        for place, value in zip(self.places, values, strict=False):
            if value is not None and place < len(local):
                local[place] = value
        return local

    def column(self, values: Sequence[float | None]) -> list[float | None]:
        """A column that is known for the series and the horizon, likewise."""
        local: list[float | None] = [None] * (max(self.places) + 1)
        for place, value in zip(self.places, values, strict=True):
            local[place] = value
        return local

    @property
    def horizon(self) -> int:
        """How many local steps the horizon needs."""
        return max(self.places[self.known_steps :]) - self.places[self.known_steps - 1]

    def path(self, local: Sequence[float]) -> list[float]:
        """The forecast of each step, from that of the local steps."""
        first = self.places[self.known_steps - 1] + 1
        return [local[max(0, place - first)] for place in self.places[self.known_steps :]]


def local_clock(series: TimeSeries, horizon_steps: int, zone: tzinfo | None) -> LocalClock | None:
    """None where the clock is not set forward or back between the start and the horizon, or by no whole steps."""
    if zone is None:
        return None
    count = len(series.values)
    ends = [series.start, series.end, series.end + horizon_steps * series.step]
    offsets = {_offset(time, zone) for time in _samples(*ends)}
    if len(offsets) == 1 or any((offset - min(offsets)) % series.step for offset in offsets):
        return None
    base = _offset(series.start, zone)
    places = [
        place + round((_offset(series.start + place * series.step, zone) - base) / series.step)
        for place in range(count + horizon_steps)
    ]
    return LocalClock(places, count)


def _samples(start: float, end: float, last: float) -> list[float]:
    weeks = int((last - start) // 604_800)
    return [start, *(start + week * 604_800 for week in range(1, min(weeks, 1000) + 1)), end, last]


def _offset(time: float, zone: tzinfo) -> float:
    offset = datetime.fromtimestamp(time, UTC).astimezone(zone).utcoffset()
    return offset.total_seconds() if offset else 0.0
