"""The time that seasons follow: that of people's clocks and calendars."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta, tzinfo
from math import inf

QUARTER = 900.0  # seconds; clocks are changed at quarters of hours
DAY = 86_400.0
SUNDAY = 6


class Calendar:
    """Local time with daylight saving, in `zone` or, if that is None, in the zone of this machine.

    `holidays` are days such as `12-25` of every year, or `2026-04-03`: they are like Sundays. Not thread-safe.
    """

    __slots__ = ("_begin", "_end", "_holidays", "_shift", "_zone")

    def __init__(self, zone: tzinfo | None = UTC, holidays: Collection[str] = ()) -> None:
        self._zone = zone
        self._holidays = frozenset(holidays)
        self._shift = 0.0
        self._begin = self._end = inf
        if zone is UTC and not holidays:
            self._begin = -inf

    @property
    def is_utc(self) -> bool:
        """Whether the hours are those of UTC."""
        return self._zone is UTC

    def season_time(self, when: float) -> float:
        """The seconds since 1970 at which UTC shows the weekday and hour that `when` is like."""
        if not self._begin <= when < self._end:
            self._read_clock(when)
        return when + self._shift

    def utc_offset(self, when: float) -> float:
        """How many seconds local time is ahead of UTC at `when`; without daylight saving."""
        local = datetime.fromtimestamp(when, UTC).astimezone(self._zone)
        return ((local.utcoffset() or timedelta()) - (local.dst() or timedelta())).total_seconds()

    def _read_clock(self, when: float) -> None:
        self._begin = when // QUARTER * QUARTER
        self._end = self._begin + QUARTER
        try:
            local = datetime.fromtimestamp(when, UTC).astimezone(self._zone)
        except (OverflowError, OSError, ValueError):  # far outside the calendar
            self._shift = 0.0
            return
        day = local.date().isoformat()
        days = SUNDAY - local.weekday() if self._holidays & {day, day[5:]} else 0
        self._shift = (local.utcoffset() or timedelta()).total_seconds() + days * DAY
