"""New records: how far numbers lie outside everything that a series has shown."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from operator import gt, lt
from typing import NamedTuple

SHARPNESS = 30.0  # a record a thirtieth of the range beyond it is worth log10(2)
MAX_WIDTHS = 10.0  # of the range; a record farther outside is worth no more
MAX_GROWTH = 3.0  # widths by which one row moves an end of a range: a wrong reading must not hide what follows
DOUBTED_ROWS = 1500  # in which numbers that an earlier release did not follow set no records


class RangeKind(NamedTuple):
    """What a record of one number is worth, and the share of its width by which each end of a range moves in a row.

    `least` is how far outside it is no record yet, for a number without a unit; None is what the series gives.
    """

    weight: float
    forgetting: float
    least: float | None = None


class ValueRanges:
    """The ranges of several numbers that arrive together.

    What is at most `tolerance`, in widths of the range, outside it widens the range, and is no record: noise does that.
    No kind forgets more than the share `forgetting` in a row. `inherited` is how many of the numbers earlier releases
    followed, if not all.
    """

    __slots__ = (
        "_doubted_rows", "_forgetting", "_highs", "_inherited", "_kinds", "_known", "_lows", "_tolerance", "_trusted",
    )  # fmt: skip

    def __init__(
        self,
        kinds: Sequence[RangeKind],
        *,
        tolerance: float = 0.0,
        forgetting: float = 1.0,
        inherited: int | None = None,
    ) -> None:
        self._inherited = inherited
        self._kinds = kinds
        self._tolerance = tolerance
        self._forgetting = forgetting
        self._known = False
        self._trusted = len(kinds)
        self._doubted_rows = 0
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
        if True not in map(lt, numbers, lows) and True not in map(gt, numbers, highs):
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
        self._doubted_rows -= rows
        if self._doubted_rows <= 0:
            self._trusted = len(self._kinds)
        for index, (low, high, kind) in enumerate(zip(self._lows, self._highs, self._kinds, strict=True)):
            inwards = (high - low) * min(kind.forgetting, self._forgetting) * rows
            self._lows[index] = low + inwards
            self._highs[index] = high - inwards

    def _widen(self, index: int, number: float, least: float) -> float:
        """Let a range include the number; returns how strong a record it is."""
        low, high = self._lows[index], self._highs[index]
        least = self._kinds[index].least or least
        width = max(high - low, least)
        self._lows[index] = min(low, max(number, low - MAX_GROWTH * width))
        self._highs[index] = max(high, min(number, high + MAX_GROWTH * width))
        outside = max(number - high, low - number)
        if outside <= least or index >= self._trusted:
            return 0.0
        beyond = min(outside / width, MAX_WIDTHS) - self._tolerance
        return log10(1 + SHARPNESS * beyond) if beyond > 0 else 0.0

    def tame(self, number: float, least: float) -> float:
        """The first number, or where it lies farther outside than one row moves its range, the end of that."""
        if not self._known:
            return number
        low, high = self._lows[0], self._highs[0]
        if low <= number <= high:
            return number
        reach = MAX_GROWTH * max(high - low, least)
        return min(max(number, low - reach), high + reach)

    def share(self, number: float, least: float) -> float:
        """The position, 0 to 1, of a number within the first range; 0 if that is at most `least` wide."""
        low, high = self._lows[0], self._highs[0]
        return (number - low) / (high - low) if high - low > least else 0.0

    def state(self) -> list[list[float]]:
        """What `restore` takes."""
        return [[*self._lows], [*self._highs]] if self._known else []

    def restore(self, state: list[list[float]]) -> None:
        """Continue from `state`; raises `ValueError` if it has another shape.

        That of an earlier release may lack the last numbers, whose records do not count for a while.
        """
        if not state:
            return
        lows, highs = state
        missing = len(self._kinds) - len(lows)
        if len(lows) not in (len(self._kinds), self._inherited) or any(
            low > high for low, high in zip(lows, highs, strict=True)
        ):
            raise ValueError("ranges of another shape")
        self._known = True
        self._trusted = len(lows)
        self._doubted_rows = DOUBTED_ROWS if missing else 0
        self._lows, self._highs = [*lows, *[0.0] * missing], [*highs, *[0.0] * missing]
