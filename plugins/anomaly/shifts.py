"""Shifts of the level: a short mean beside a longer one, and a value beside one some time before."""

from __future__ import annotations

from array import array

LAG = 48  # rows between the two values
REACHES = (12, 96, 48, 384)  # rows that exponential means reach back, in pairs of a short and a long one
RATES = tuple(2 / (reach + 1) for reach in REACHES)


class Shifts:
    """Follows a series without any season."""

    __slots__ = ("_means", "_past", "_place", "_rows")

    def __init__(self) -> None:
        self._past = array("d")
        self._place = 0
        self._rows = 0
        self._means = [0.0] * len(REACHES)

    def clear(self) -> None:
        """Forget the single values: what follows a gap is not compared with what was before it."""
        self._past = array("d")
        self._place = 0

    def add(self, value: float) -> tuple[float, float, float]:
        """Take a row in; returns its distance from the one `LAG` rows before, and short less long mean of each pair."""
        self._rows += 1
        rates = RATES
        if self._rows <= REACHES[-1]:
            rates = tuple(max(rate, 1 / self._rows) for rate in RATES)
        short, long, shorter, longer = means = [
            mean + rate * (value - mean) for mean, rate in zip(self._means, rates, strict=True)
        ]
        self._means = means
        return self._since_lag(value), short - long, shorter - longer

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
        return [self._rows, self._place, *self._means, *self._past]

    def restore(self, state: list[float]) -> None:
        """Take up what `state` returned; raises `ValueError` where it does not fit."""
        past = state[2 + len(REACHES) :]
        if len(state) < 2 + len(REACHES) or len(past) > LAG or state[0] < 0 or not 0 <= state[1] < LAG:
            raise ValueError("shifts of another shape")
        self._rows, self._place = int(state[0]), int(state[1])
        self._means = state[2 : 2 + len(REACHES)]
        self._past = array("d", past)
