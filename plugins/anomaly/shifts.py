"""Shifts of the level: a short mean beside a longer one, and a value beside one some time before."""

from __future__ import annotations

from array import array

LAG = 48  # rows between the two values
PAIRS = ((12, 96), (48, 384))  # rows that an exponential mean reaches back: short, long


class Shifts:
    """Follows a series without any season."""

    __slots__ = ("_long", "_past", "_place", "_rows", "_short")

    def __init__(self) -> None:
        self._past = array("d")
        self._place = 0
        self._rows = 0
        self._short = [0.0] * len(PAIRS)
        self._long = [0.0] * len(PAIRS)

    def clear(self) -> None:
        """Forget the single values: what follows a gap is not compared with what was before it."""
        self._past = array("d")
        self._place = 0

    def add(self, value: float) -> list[float]:
        """Take a row in; returns its distance from the value `LAG` rows before, then short less long of `PAIRS`."""
        self._rows += 1
        numbers = [self._since_lag(value)]
        for index, (short, long) in enumerate(PAIRS):
            self._short[index] += (value - self._short[index]) * max(1 / self._rows, 2 / (short + 1))
            self._long[index] += (value - self._long[index]) * max(1 / self._rows, 2 / (long + 1))
            numbers.append(self._short[index] - self._long[index])
        return numbers

    def _since_lag(self, value: float) -> float:
        past = self._past
        if len(past) < LAG:
            past.append(value)
            return 0.0
        place = self._place
        change = value - past[place]
        past[place] = value
        self._place = (place + 1) % LAG
        return change

    def state(self) -> list[float]:
        """What it knows."""
        return [self._rows, *self._short, *self._long, self._place, *self._past]

    def restore(self, state: list[float]) -> None:
        """Take up what `state` returned; raises `ValueError` where it does not fit."""
        pairs = len(PAIRS)
        past = state[2 + 2 * pairs :]
        if len(past) > LAG or not 0 <= state[1 + 2 * pairs] < LAG or state[0] < 0:
            raise ValueError("shifts of another shape")
        self._rows, self._place = int(state[0]), int(state[1 + 2 * pairs])
        self._short, self._long = state[1 : 1 + pairs], state[1 + pairs : 1 + 2 * pairs]
        self._past = array("d", past)
