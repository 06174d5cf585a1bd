"""The lowest and highest row of each recent day, so that a description can say how long ago it was last like this."""

from __future__ import annotations

from typing import Any

from collector_plugins.anomaly.state_checks import is_finite

DAYS = 31
DAY = 86_400.0


class DailyExtremes:
    """The lowest and highest rows of at most 31 days (UTC)."""

    __slots__ = ("_days", "_high", "_low")

    def __init__(self) -> None:
        self._days: list[int] = []
        self._low: list[float] = []
        self._high: list[float] = []

    def add(self, value: float, when: float) -> None:
        """Add a row at seconds since 1970; one of the day before the last known day counts for that one.

        A clock that was set back further has shown wrong days: they are forgotten.
        """
        day = int(when // DAY)
        while self._days and day < self._days[-1] - 1:
            del self._days[-1], self._low[-1], self._high[-1]
        if not self._days or day > self._days[-1]:
            self._days.append(day)
            self._low.append(value)
            self._high.append(value)
            del self._days[:-DAYS], self._low[:-DAYS], self._high[:-DAYS]
        else:
            self._low[-1] = min(self._low[-1], value)
            self._high[-1] = max(self._high[-1], value)

    def days_since(self, value: float, when: float, *, above: bool) -> int:
        """The whole days for which no row was as high (`above`) or as low as `value`; 0 if one of today was."""
        today = int(when // DAY)
        for day, low, high in zip(reversed(self._days), reversed(self._low), reversed(self._high), strict=True):
            if (high >= value) if above else (low <= value):
                return max(0, today - day)
        return max(0, today - self._days[0]) if self._days else 0

    def state(self) -> list[list[Any]]:
        """What `restore` takes."""
        return [list(self._days), list(self._low), list(self._high)]

    def restore(self, state: Any) -> None:
        """Continue from `state`; raises `ValueError` if it is damaged."""
        if not (isinstance(state, list) and len(state) == 3 and all(isinstance(each, list) for each in state)):
            raise ValueError("the extremes are damaged")
        days, low, high = state
        numbers = all(is_finite(each) for part in state for each in part)
        if not numbers or not len(days) == len(low) == len(high) <= DAYS:
            raise ValueError("the extremes are damaged")
        self._days, self._low, self._high = [int(day) for day in days], list(low), list(high)
