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
        return _placed(values, self.places[: self.known_steps], self._known)

    def column(self, values: Sequence[float | None]) -> list[float | None]:
        """A column that is known for the series and the horizon, likewise."""
        return _placed(values, self.places, self._known + self.horizon)

    @property
    def horizon(self) -> int:
        """How many local steps the horizon needs: one where the clock was set back and all of it is there already."""
        return max(1, max(self.places[self.known_steps :]) + 1 - self._known)

    def path(self, local: Sequence[float]) -> list[float]:
        """The forecast of each step, from that of the local steps."""
        return [local[max(0, place - self._known)] for place in self.places[self.known_steps :]]

    @property
    def _known(self) -> int:
        """How many local steps the series has."""
        return self.places[self.known_steps - 1] + 1


def _placed(values: Sequence[float | None], places: Sequence[int], count: int) -> list[float | None]:
    local: list[float | None] = [None] * count
    for place, value in zip(places, values, strict=True):
        if value is not None and place < count:
            local[place] = value
    return local


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
