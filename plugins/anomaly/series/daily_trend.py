"""Slow drift over days, such as a leak: too slow for what judges a row by the rows before it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import Any, NamedTuple

from collector_plugins.anomaly.state_checks import is_finite

DAY = 86_400.0
DAYS = 14  # that are looked at
LEAST_DAYS = 7
LEAST_SECONDS = 6 * 3600.0  # of rows, for a day to count
MONOTONE = 0.8  # of the pairs of days must agree on the direction, less those that disagree (Kendall's tau)
NOISE_FACTOR = 5.0  # by which the drift must exceed the usual distance of a day from the line
SPREAD_SHARE = 0.5  # and what it must be of the usual difference between the highest and lowest row of a day
LEAST_SHARE = 0.01  # and of the level


class Drift(NamedTuple):
    """A line through the mean values of `days` days, from `first` to `last`."""

    days: int
    first: float
    last: float


class Day(NamedTuple):
    """One day of a series, counted since 1970 (UTC)."""

    number: int
    mean: float
    spread: float


class DailyTrend:
    """Follows the days of one series; `drift` is what the last complete ones show, None if they show none."""

    __slots__ = ("_count", "_days", "_high", "_low", "_row_seconds", "_sum", "_today", "drift")

    def __init__(self, row_seconds: float) -> None:
        self._row_seconds = row_seconds
        self._days: list[Day] = []
        self._today = -1
        self._sum, self._count = 0.0, 0
        self._low, self._high = float("inf"), float("-inf")
        self.drift: Drift | None = None

    def add(self, value: float, when: float) -> None:
        """Add a row at seconds since 1970; one of the day before the last known one counts for that one.

        A clock that was set back further has shown wrong days: they are forgotten.
        """
        day = int(when // DAY)
        if day > self._today:
            self._end_day()
            self._begin_day(day)
        elif day < self._today - 1:
            self._begin_day(day)
        self._sum += value
        self._count += 1
        self._low, self._high = min(self._low, value), max(self._high, value)

    def state(self) -> list[Any]:
        """What `restore` takes."""
        today = [self._today, self._sum, self._count, self._low, self._high] if self._count else []
        return [today, *map(list, self._days)]

    def restore(self, state: Any) -> None:
        """Continue from `state`; raises `ValueError` if it is damaged."""
        if not (isinstance(state, list) and state and all(isinstance(each, list) for each in state)):
            raise ValueError("the days are damaged")
        today, *days = state
        if len(days) > DAYS or len(today) not in (0, 5) or any(len(day) != 3 for day in days):
            raise ValueError("the days are damaged")
        if not all(is_finite(number) for day in state for number in day):
            raise ValueError("the days are damaged")
        self._days = [Day(int(number), mean, spread) for number, mean, spread in days]
        if today:
            self._today, self._count = int(today[0]), int(today[2])
            self._sum, self._low, self._high = today[1], today[3], today[4]
        self.drift = find_drift(self._days)

    def _begin_day(self, day: int) -> None:
        self._today, self._sum, self._count = day, 0.0, 0
        self._low, self._high = float("inf"), float("-inf")
        self._days = [each for each in self._days if day - DAYS <= each.number < day]
        self.drift = find_drift(self._days)

    def _end_day(self) -> None:
        if self._count * self._row_seconds >= LEAST_SECONDS:
            mean, spread = self._sum / self._count, self._high - self._low
            if is_finite(mean) and is_finite(spread):
                self._days.append(Day(self._today, mean, spread))


def find_drift(days: Sequence[Day]) -> Drift | None:
    """The drift of at least seven days, oldest first: a Theil-Sen line far steeper than what days differ by anyway."""
    if len(days) < LEAST_DAYS:
        return None
    steps = [(later.mean - earlier.mean, later.number - earlier.number) for earlier, later in combinations(days, 2)]
    direction = sum((change > 0) - (change < 0) for change, _ in steps)
    if abs(direction) < MONOTONE * len(steps):
        return None
    slope = median(change / span for change, span in steps)
    level = median(day.mean - slope * day.number for day in days)
    noise = median(abs(day.mean - slope * day.number - level) for day in days)
    span = days[-1].number - days[0].number
    least = max(
        NOISE_FACTOR * noise, SPREAD_SHARE * median(day.spread for day in days), LEAST_SHARE * abs(days[0].mean)
    )
    if abs(slope * span) <= least:
        return None
    return Drift(span + 1, level + slope * days[0].number, level + slope * days[-1].number)
