"""What a series usually does at this hour of the day and of the week, learnt once per visit."""

from __future__ import annotations

from array import array

DAY = 86_400.0
WEEK = 7 * DAY
LEAST_RATE = 0.1  # share of a visit in what a bin knows, from the tenth visit on


class Season:
    """A profile over `period` seconds with `bins` equal bins.

    A bin learns when the series leaves it, once, however many rows the visit had: an anomaly of hours does not teach
    the profile while it happens, and rows of a minute learn no faster than rows of an hour.
    """

    __slots__ = ("_bin", "_bins", "_means", "_period", "_rows", "_sum", "_visits", "_width")

    def __init__(self, period: float, bins: int) -> None:
        self._period = period
        self._bins = bins
        self._width = period / bins
        self._means = array("d", bytes(8 * bins))
        self._visits = bytearray(bins)
        self._bin = -1
        self._sum = 0.0
        self._rows = 0

    def at(self, when: float) -> int:
        """The bin of a moment, in seconds since 1970 (UTC)."""
        return int(when // self._width) % self._bins

    def usual(self, position: int) -> float:
        """The mean at a bin; 0 for one that was never visited."""
        return self._means[position]

    def visits(self, position: int) -> int:
        """How often the bin was visited, up to 255."""
        return self._visits[position]

    def learn(self, position: int, value: float) -> None:
        """One row in a bin; a visit ends with the first row in another."""
        if position != self._bin:
            self._close()
            self._bin = position
        self._sum += value
        self._rows += 1

    def _close(self) -> None:
        if self._rows:
            visits = min(self._visits[self._bin] + 1, 255)
            self._visits[self._bin] = visits
            change = self._sum / self._rows - self._means[self._bin]
            self._means[self._bin] += max(1 / visits, LEAST_RATE) * change
        self._sum = 0.0
        self._rows = 0

    def state(self) -> list[float]:
        """What it knows."""
        return [self._bin, self._sum, self._rows, *self._visits, *self._means]

    def restore(self, state: list[float]) -> None:
        """Take up what `state` returned; raises `ValueError` where it does not fit."""
        if len(state) != 3 + 2 * self._bins or not -1 <= state[0] < self._bins:
            raise ValueError("a season of another shape")
        self._bin, self._sum, self._rows = int(state[0]), state[1], int(state[2])
        self._visits = bytearray(int(visits) for visits in state[3 : 3 + self._bins])
        self._means = array("d", state[3 + self._bins :])
