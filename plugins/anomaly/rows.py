"""Readings → rows: the mean of a gauge, the rate of a counter, over one row."""

from __future__ import annotations

from typing import Protocol


class Row(Protocol):
    """Takes the readings of one series until the row is closed."""

    def add(self, value: float, at: float) -> None:
        """One reading, at monotonic seconds."""

    def close(self) -> float | None:
        """The row's value, and begin the next one; None where nothing is known."""

    def cut(self) -> None:
        """Forget what came so far: time has passed unseen."""


class Mean:
    """The mean of what a gauge said."""

    __slots__ = ("_count", "_sum")

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, value: float, at: float) -> None:
        """As `Row.add`."""
        del at
        self._sum += value
        self._count += 1

    def close(self) -> float | None:
        """As `Row.close`."""
        mean = self._sum / self._count if self._count else None
        self._sum, self._count = 0.0, 0
        return mean

    def cut(self) -> None:
        """As `Row.cut`."""
        self._sum, self._count = 0.0, 0


class Rate:
    """The growth of a counter per second, over the time in which it is known.

    A counter that fell was reset: what it grew since then and before is not guessed. Nor is the rate over more than
    `max_gap` seconds without a reading.
    """

    __slots__ = ("_at", "_grown", "_last", "_max_gap", "_seconds")

    def __init__(self, max_gap: float) -> None:
        self._max_gap = max_gap
        self._last: float | None = None
        self._at = self._grown = self._seconds = 0.0

    def add(self, value: float, at: float) -> None:
        """As `Row.add`."""
        if self._last is not None and value >= self._last and 0.0 < at - self._at <= self._max_gap:
            self._grown += value - self._last
            self._seconds += at - self._at
        self._last, self._at = value, at

    def close(self) -> float | None:
        """As `Row.close`."""
        rate = self._grown / self._seconds if self._seconds else None
        self._grown = self._seconds = 0.0
        return rate

    def cut(self) -> None:
        """As `Row.cut`."""
        self._grown = self._seconds = 0.0
        self._last = None
