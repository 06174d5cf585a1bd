"""Shifts of the level: a short mean against a longer one, and a value against an earlier one."""

from __future__ import annotations

from array import array

LAG = 48  # rows between the two values
SPANS = (12, 96, 48, 384)  # rows of the exponential means, in pairs of a short and a long one
RATES = tuple(2 / (span + 1) for span in SPANS)


class LevelShifts:
    """Follows the values of a series, without any season."""

    __slots__ = ("_means", "_past", "_position", "_rows")

    def __init__(self) -> None:
        self._past = array("d")
        self._position = 0
        self._rows = 0
        self._means = [0.0] * len(SPANS)

    def clear(self) -> None:
        """Forget single values: what follows a gap is not compared with what came before it."""
        self._past = array("d")
        self._position = 0

    def add(self, value: float) -> tuple[float, float, float]:
        """Add a row; returns its difference from the one `LAG` rows earlier, and short minus long mean of each pair."""
        self._rows = rows = self._rows + 1
        rates = RATES if rows > SPANS[-1] else [max(rate, 1 / rows) for rate in RATES]
        short_rate, long_rate, shorter_rate, longer_rate = rates
        short, long, shorter, longer = self._means
        short += short_rate * (value - short)
        long += long_rate * (value - long)
        shorter += shorter_rate * (value - shorter)
        longer += longer_rate * (value - longer)
        self._means = [short, long, shorter, longer]
        return self._since_lag(value), short - long, shorter - longer

    def _since_lag(self, value: float) -> float:
        past = self._past
        if len(past) < LAG:
            past.append(value)
            return 0.0
        position = self._position
        change = value - past[position]
        past[position] = value
        self._position = (position + 1) % LAG
        return change

    def state(self) -> list[float]:
        """What `restore` takes."""
        return [self._rows, self._position, *self._means, *self._past]

    def restore(self, state: list[float]) -> None:
        """Continue from `state`; raises `ValueError` if it has another shape."""
        past = state[2 + len(SPANS) :]
        if len(state) < 2 + len(SPANS) or len(past) > LAG or state[0] < 0 or not 0 <= state[1] < LAG:
            raise ValueError("level shifts of another shape")
        self._rows, self._position = int(state[0]), int(state[1])
        self._means = state[2 : 2 + len(SPANS)]
        self._past = array("d", past)
