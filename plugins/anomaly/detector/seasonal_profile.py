"""What a series usually does at this hour of the day or of the week, learnt once per visit."""

from __future__ import annotations

from array import array

DAY = 86_400.0
WEEK = 7 * DAY
LEAST_RATE = 0.1  # weight of a visit in its bin, from the tenth visit on
MAX_VISITS = 255


class SeasonalProfile:
    """A mean for each of `bins` equal parts of `period` seconds.

    A bin learns once, when the series leaves it, however many rows the visit had: an anomaly of hours does not teach
    the profile while it lasts, and rows of a minute teach no faster than rows of an hour.
    """

    __slots__ = ("_bin", "_bins", "_means", "_rows", "_sum", "_visits", "_width")

    def __init__(self, period: float, bins: int) -> None:
        self._bins = bins
        self._width = period / bins
        self._means = array("d", bytes(8 * bins))
        self._visits = bytearray(bins)
        self._bin = -1
        self._sum = 0.0
        self._rows = 0

    def bin_at(self, when: float) -> int:
        """The bin of a moment, as `Calendar.season_time` gives it."""
        return int(when // self._width) % self._bins

    def mean(self, position: int) -> float:
        """The mean of a bin; 0 for one that was never visited."""
        return self._means[position]

    def visits(self, position: int) -> int:
        """How often the bin was visited, up to 255."""
        return self._visits[position]

    def learn(self, position: int, value: float) -> None:
        """Add a row to a bin; the visit ends with the first row in another one."""
        if position != self._bin:
            self._end_visit()
            self._bin = position
        self._sum += value
        self._rows += 1

    def learn_visit(self, position: int, mean: float) -> None:
        """Learn a whole visit of a bin, which is over."""
        self.learn(position, mean)
        self._end_visit()

    def _end_visit(self) -> None:
        if self._rows:
            visits = min(self._visits[self._bin] + 1, MAX_VISITS)
            self._visits[self._bin] = visits
            change = self._sum / self._rows - self._means[self._bin]
            self._means[self._bin] += max(1 / visits, LEAST_RATE) * change
        self._sum = 0.0
        self._rows = 0

    def shift(self, bins: int) -> None:
        """Let every bin be so many bins later."""
        moved = [(position - bins) % self._bins for position in range(self._bins)]
        self._means = array("d", [self._means[position] for position in moved])
        self._visits = bytearray(self._visits[position] for position in moved)
        if self._bin >= 0:
            self._bin = (self._bin + bins) % self._bins

    def state(self) -> list[float]:
        """What `restore` takes."""
        return [self._bin, self._sum, self._rows, *self._visits, *self._means]

    def restore(self, state: list[float]) -> None:
        """Continue from `state`; raises `ValueError` if it has another shape."""
        if len(state) != 3 + 2 * self._bins or not -1 <= state[0] < self._bins:
            raise ValueError("a seasonal profile of another shape")
        self._bin, self._sum, self._rows = int(state[0]), state[1], int(state[2])
        self._visits = bytearray(int(visits) for visits in state[3 : 3 + self._bins])
        self._means = array("d", state[3 + self._bins :])
