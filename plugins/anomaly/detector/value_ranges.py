"""New records: how far numbers lie outside everything that a series has shown."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import NamedTuple

SHARPNESS = 30.0  # a record a thirtieth of the range beyond it is worth log10(2)
MAX_WIDTHS = 10.0  # of the range; a record farther outside is worth no more


class RangeKind(NamedTuple):
    """What a record of one number is worth, and the share of its width by which each end of a range moves in a row."""

    weight: float
    forgetting: float


class ValueRanges:
    """The ranges of several numbers that arrive together.

    What is at most `tolerance`, in widths of the range, outside it widens the range, and is no record: noise does that.
    """

    __slots__ = ("_highs", "_kinds", "_known", "_lows", "_tolerance")

    def __init__(self, kinds: Sequence[RangeKind], *, tolerance: float = 0.0) -> None:
        self._kinds = kinds
        self._tolerance = tolerance
        self._known = False
        self._lows = [0.0] * len(kinds)
        self._highs = [0.0] * len(kinds)

    def add(self, numbers: Sequence[float], least: float) -> tuple[float, float]:
        """Add a row; returns what records of the first number, and of all the others together, are worth.

        A record is worth weight × log10(1 + `SHARPNESS` × distance beyond the tolerance, in widths of the range), and
        nothing if it is at most `least` outside. `least`, above 0, is also the smallest width of a range: a nearly
        constant series sets no records.
        """
        lows, highs = self._lows, self._highs
        if not self._known:
            self._known = True
            lows[:] = highs[:] = numbers
            return 0.0, 0.0
        first = others = 0.0
        for index, (number, low, high) in enumerate(zip(numbers, lows, highs, strict=True)):
            if not low <= number <= high:
                worth = self._kinds[index].weight * self._widen(index, number, least)
                if index:
                    others += worth
                else:
                    first = worth
        return first, others

    def shrink(self, rows: int) -> None:
        """Move both ends of all ranges inwards, by what they forget in so many rows."""
        for index, (low, high, kind) in enumerate(zip(self._lows, self._highs, self._kinds, strict=True)):
            inwards = (high - low) * kind.forgetting * rows
            self._lows[index] = low + inwards
            self._highs[index] = high - inwards

    def _widen(self, index: int, number: float, least: float) -> float:
        """Let a range include the number; returns how strong a record it is."""
        low, high = self._lows[index], self._highs[index]
        self._lows[index] = min(low, number)
        self._highs[index] = max(high, number)
        outside = max(number - high, low - number)
        if outside <= least:
            return 0.0
        beyond = min(outside / max(high - low, least), MAX_WIDTHS) - self._tolerance
        return log10(1 + SHARPNESS * beyond) if beyond > 0 else 0.0

    def share(self, number: float, least: float) -> float:
        """The position, 0 to 1, of a number within the first range; 0 if that is at most `least` wide."""
        low, high = self._lows[0], self._highs[0]
        return (number - low) / (high - low) if high - low > least else 0.0

    def state(self) -> list[list[float]]:
        """What `restore` takes."""
        return [[*self._lows], [*self._highs]] if self._known else []

    def restore(self, state: list[list[float]]) -> None:
        """Continue from `state`; raises `ValueError` if it has another shape."""
        if not state:
            return
        lows, highs = state
        if len(lows) != len(self._kinds) or any(low > high for low, high in zip(lows, highs, strict=True)):
            raise ValueError("ranges of another shape")
        self._known = True
        self._lows, self._highs = [*lows], [*highs]
