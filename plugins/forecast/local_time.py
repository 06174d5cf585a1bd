"""Puts a series on the clock on the wall and its calendar: a day with daylight saving is a day like others, a holiday
like a Sunday.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from collector_plugins.forecast.periods import DAY, datetime_of, utc_offset
from collector_plugins.forecast.series import TimeSeries

SUNDAY = 6


@dataclass(frozen=True)
class LocalClock:
    """Places of a series' steps, and of those after it, on a grid of local time.

    `holidays` has the steps that are on one, with how many steps later it is the same hour of a Sunday.
    """

    places: Sequence[int]
    known_steps: int
    holidays: Mapping[int, int]

    def values(self, values: Sequence[float | None]) -> list[float | None]:
        """The series on the local grid: an hour that the clock skips is a gap, of a repeated one the later counts.

        A holiday is a gap, too: it says nothing of weekdays.
        """
        usual = [None if step in self.holidays else value for step, value in enumerate(values)]
        return _placed(usual, self.places[: self.known_steps], self._known)

    def column(self, values: Sequence[float | None]) -> list[float | None]:
        """A column that is known for the series and the horizon, likewise."""
        return _placed(values, self.places, self._known + self.horizon)

    @property
    def horizon(self) -> int:
        """How many local steps the horizon needs: one where the clock was set back and all of it is there already."""
        return max(1, max(self._wanted) + 1 - self._known)

    def path(self, local: Sequence[float]) -> list[float]:
        """The forecast of each step, from that of the local steps."""
        return [local[max(0, place - self._known)] for place in self._wanted]

    @property
    def _wanted(self) -> list[int]:
        """Which local step says what is expected of each step of the horizon."""
        after = range(self.known_steps, len(self.places))
        return [self.places[step] + self.holidays.get(step, 0) for step in after]

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


def local_clock(
    series: TimeSeries, horizon_steps: int, zone: tzinfo | None, holidays: Collection[str] = ()
) -> LocalClock | None:
    """None where a series can stay as it is: no holiday is in it or the horizon, and the clock is not set forward or
    back there, or by no whole steps.

    `zone` None is that of the machine. `holidays` are days such as `12-25` of every year, or `2026-04-03`.
    """
    count = len(series.values)
    on_holidays = _holidays(series, horizon_steps, zone, frozenset(holidays))
    ends = [series.start, series.end, series.end + horizon_steps * series.step]
    offsets = {utc_offset(time, zone) for time in _samples(*ends)}
    is_uneven = any((offset - min(offsets)) % series.step for offset in offsets)
    if not on_holidays and (len(offsets) == 1 or is_uneven):
        return None
    places = list(range(count + horizon_steps))
    if not is_uneven:
        base = utc_offset(series.start, zone)
        times = (series.start + place * series.step for place in places)
        places = [
            place + round((utc_offset(time, zone) - base) / series.step)
            for place, time in zip(places, times, strict=True)
        ]
    return LocalClock(places, count, on_holidays)


def _holidays(series: TimeSeries, horizon_steps: int, zone: tzinfo | None, holidays: frozenset[str]) -> dict[int, int]:
    """The steps of the series and its horizon that are on one of these days; how many steps later it is Sunday."""
    found = dict[int, int]()
    if not holidays or DAY % series.step:
        return found
    for step in range(len(series.values) + horizon_steps):
        local = datetime_of(series.start + step * series.step, zone)
        day = local.date().isoformat()
        if local.weekday() != SUNDAY and holidays & {day, day[5:]}:
            found[step] = (SUNDAY - local.weekday()) * round(DAY / series.step)
    return found


def _samples(start: float, end: float, last: float) -> list[float]:
    weeks = int((last - start) // 604_800)
    return [start, *(start + week * 604_800 for week in range(1, min(weeks, 1000) + 1)), end, last]
