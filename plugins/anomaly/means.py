"""Means over the last rows, of several lengths at once."""

from __future__ import annotations

from array import array
from itertools import repeat

LENGTHS = (1, 3, 12, 48)  # rows
LONGEST = LENGTHS[-1]


class Means:
    """The last `LONGEST` numbers and their sums over each of `LENGTHS`."""

    __slots__ = ("_place", "_ring", "_sums")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew, as if there had been zeros."""
        self._ring = array("d", repeat(0.0, LONGEST))
        self._sums = [0.0] * len(LENGTHS)
        self._place = 0

    def add(self, number: float) -> list[float]:
        """Take one in; returns the means over `LENGTHS`, what came before the first counting as 0."""
        ring, sums, place = self._ring, self._sums, self._place
        for index, length in enumerate(LENGTHS):
            sums[index] += number - ring[place - length]
        ring[place] = number
        self._place = (place + 1) % LONGEST
        if not self._place:  # so that errors of rounding do not add up
            self._sums = [sum(ring[LONGEST - length :]) for length in LENGTHS]
        return [total / length for total, length in zip(self._sums, LENGTHS, strict=True)]

    def state(self) -> list[float]:
        """What it knows, the oldest first."""
        return [*self._sums, self._place, *self._ring]

    def restore(self, state: list[float]) -> None:
        """Take up what `state` returned; raises `ValueError` where it does not fit."""
        count = len(LENGTHS)
        if len(state) != count + 1 + LONGEST or not 0 <= state[count] < LONGEST:
            raise ValueError("means of another shape")
        self._sums, self._place = state[:count], int(state[count])
        self._ring = array("d", state[count + 1 :])
