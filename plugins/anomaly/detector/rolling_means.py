"""Means over the most recent rows, of several lengths at once."""

from __future__ import annotations

from array import array

LENGTHS = (1, 3, 12, 48)  # rows
LONGEST = LENGTHS[-1]


class RollingMeans:
    """The last `LONGEST` values and their sums over each of `LENGTHS`."""

    __slots__ = ("_position", "_ring", "_sums")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start over, as if every value so far had been 0."""
        self._ring = array("d", bytes(8 * LONGEST))
        self._sums = [0.0] * (len(LENGTHS) - 1)
        self._position = 0

    def add(self, value: float) -> tuple[float, ...]:
        """Add a value; returns the means over `LENGTHS`. Rows before the first count as 0."""
        ring, sums, position = self._ring, self._sums, self._position
        sums[0] = short = sums[0] + value - ring[position - 3]
        sums[1] = middle = sums[1] + value - ring[position - 12]
        sums[2] = long = sums[2] + value - ring[position - 48]
        ring[position] = value
        if position < LONGEST - 1:
            self._position = position + 1
        else:  # sum anew once per lap, so that rounding errors do not accumulate
            self._position = 0
            self._sums = [sum(ring[-length:]) for length in LENGTHS[1:]]
        return value, short / 3, middle / 12, long / 48

    def state(self) -> list[float]:
        """What `restore` takes."""
        return [*self._sums, self._position, *self._ring]

    def restore(self, state: list[float]) -> None:
        """Continue from `state`; raises `ValueError` if it has another shape."""
        count = len(LENGTHS) - 1
        if len(state) != count + 1 + LONGEST or not 0 <= state[count] < LONGEST:
            raise ValueError("rolling means of another shape")
        self._sums, self._position = state[:count], int(state[count])
        self._ring = array("d", state[count + 1 :])
