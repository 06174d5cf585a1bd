"""Readings to rows: the mean of a gauge, the rate of a counter."""

from __future__ import annotations

from typing import Protocol

USUAL_GAP_FACTOR = 1.5  # of the gap between two readings that are usual for a slow collector


class RowAggregate(Protocol):
    """Takes the readings of one series until the row is closed."""

    def add_reading(self, value: float, at: float) -> None:
        """Add one reading, taken at monotonic seconds."""

    def close_row(self) -> float | None:
        """The value of the row, None if nothing is known; the next row begins."""

    def discard_row(self) -> None:
        """Drop what came so far: there was a gap."""


class GaugeMean:
    """The mean of the readings of a gauge."""

    __slots__ = ("_count", "_sum")

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add_reading(self, value: float, at: float) -> None:
        """As `RowAggregate.add_reading`."""
        del at
        self._sum += value
        self._count += 1

    def close_row(self) -> float | None:
        """As `RowAggregate.close_row`."""
        mean = self._sum / self._count if self._count else None
        self.discard_row()
        return mean

    def discard_row(self) -> None:
        """As `RowAggregate.discard_row`."""
        self._sum, self._count = 0.0, 0


class CounterRate:
    """The increase of a counter per second, over the time for which it is known.

    A counter that fell was reset: its increase around the reset is not guessed. Nor is the rate across more than
    `max_gap` seconds without a reading, unless the last reading took about as long to come.
    """

    __slots__ = ("_at", "_increase", "_last", "_last_gap", "_max_gap", "_seconds")

    def __init__(self, max_gap: float) -> None:
        self._max_gap = max_gap
        self._last: float | None = None
        self._at = self._increase = self._seconds = self._last_gap = 0.0

    def add_reading(self, value: float, at: float) -> None:
        """As `RowAggregate.add_reading`."""
        if self._last is not None:
            gap = at - self._at
            is_usual = gap <= self._max_gap or gap <= USUAL_GAP_FACTOR * self._last_gap
            if value >= self._last and gap > 0.0 and is_usual:
                self._increase += value - self._last
                self._seconds += gap
            self._last_gap = gap
        self._last, self._at = value, at

    def close_row(self) -> float | None:
        """As `RowAggregate.close_row`."""
        rate = self._increase / self._seconds if self._seconds else None
        self._increase = self._seconds = 0.0
        return rate

    def discard_row(self) -> None:
        """As `RowAggregate.discard_row`."""
        self._increase = self._seconds = 0.0
        self._last = None
