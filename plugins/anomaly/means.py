"""Means over the last rows, of several lengths at once."""

from __future__ import annotations

from array import array

LENGTHS = (1, 3, 12, 48)  # rows
LONGEST = LENGTHS[-1]


class Means:
    """The last `LONGEST` numbers and their sums over each of `LENGTHS`."""

    __slots__ = ("_place", "_ring", "_sums")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew, as if there had been zeros."""
        self._ring = array("d", bytes(8 * LONGEST))
        self._sums = [0.0] * (len(LENGTHS) - 1)
        self._place = 0

    def add(self, number: float) -> tuple[float, ...]:
        """Take one in; returns the means over `LENGTHS`, what came before the first counting as 0."""
        ring, sums, place = self._ring, self._sums, self._place
        sums[0] = short = sums[0] + number - ring[place - 3]
        sums[1] = middle = sums[1] + number - ring[place - 12]
        sums[2] = long = sums[2] + number - ring[place - 48]
        ring[place] = number
        if place < LONGEST - 1:
            self._place = place + 1
        else:  # so that errors of rounding do not add up
            self._place = 0
            self._sums = [sum(ring[-length:]) for length in LENGTHS[1:]]
        return number, short / 3, middle / 12, long / 48

    def state(self) -> list[float]:
        """What it knows, the oldest first."""
        return [*self._sums, self._place, *self._ring]

    def restore(self, state: list[float]) -> None:
        """Take up what `state` returned; raises `ValueError` where it does not fit."""
        count = len(LENGTHS) - 1
        if len(state) != count + 1 + LONGEST or not 0 <= state[count] < LONGEST:
            raise ValueError("means of another shape")
        self._sums, self._place = state[:count], int(state[count])
        self._ring = array("d", state[count + 1 :])
