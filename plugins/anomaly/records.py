"""New records: how far numbers lie outside everything that a series has shown."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

SHARPNESS = 30.0  # a record a thirtieth of the range beyond it counts log10(2)
FARTHEST = 10.0  # widths of the range; more counts no more


class Records:
    """The ranges of several numbers that come together, each with a weight and a forgetting.

    Both ends of a range move inwards by the share `forgetting` of its width with every row.
    """

    __slots__ = ("_highs", "_kinds", "_known", "_lows")

    def __init__(self, kinds: Sequence[tuple[float, float]]) -> None:
        self._kinds = kinds
        self._known = False
        self._lows = [0.0] * len(kinds)
        self._highs = [0.0] * len(kinds)

    def opinions(self, numbers: Sequence[float], least: float) -> tuple[float, float]:
        """What records of the first number, and of the others together, are worth; then learn them.

        Each is worth weight × log10(1 + `SHARPNESS` × widths outside the range), nothing within it or
        less than `least` outside. That is above 0, and the least that counts as a width: what is nearly constant has
        no records.
        """
        lows, highs = self._lows, self._highs
        if not self._known:
            self._known = True
            lows[:] = highs[:] = numbers
            return 0.0, 0.0
        first = others = 0.0
        each = zip(numbers, lows, highs, self._kinds, strict=True)
        for index, (number, low, high, (weight, forgetting)) in enumerate(each):
            shrink = (high - low) * forgetting
            lows[index] = low + shrink
            highs[index] = high - shrink
            if not low + shrink <= number <= high - shrink:
                worth = weight * self._renew(index, number, low, high, least)
                if index:
                    others += worth
                else:
                    first = worth
        return first, others

    def _renew(self, index: int, number: float, low: float, high: float, least: float) -> float:
        """Widen the range that was `low` to `high`; returns how strong a record it is."""
        self._lows[index] = min(self._lows[index], number)
        self._highs[index] = max(self._highs[index], number)
        outside = max(number - high, low - number)
        if outside <= least:
            return 0.0
        return log10(1 + SHARPNESS * min(outside / max(high - low, least), FARTHEST))

    def share(self, number: float, least: float) -> float:
        """Where a number lies in the first range, which it is within, 0 to 1; 0 if that is narrower than `least`."""
        low, high = self._lows[0], self._highs[0]
        return (number - low) / (high - low) if high - low > least else 0.0

    def state(self) -> list[list[float]]:
        """What it knows."""
        return [[*self._lows], [*self._highs]] if self._known else []

    def restore(self, state: list[list[float]]) -> None:
        """Take up what `state` returned; raises `ValueError` where it does not fit."""
        if not state:
            return
        lows, highs = state
        if len(lows) != len(self._kinds) or any(low > high for low, high in zip(lows, highs, strict=True)):
            raise ValueError("ranges of another shape")
        self._known = True
        self._lows, self._highs = [*lows], [*highs]
