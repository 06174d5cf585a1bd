"""By how much a counter rose from one reading to the next."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan


def rise(before: float | None, value: float) -> float:
    """The rise since the reading before: none for a first one, and all of the value after a fall, which is a reset.

    NaN where it is not known yet whether there is one before.
    """
    if before is None:
        return 0.0
    if isnan(before):
        return before
    return difference(value, before) if value >= before else value


def rises_of_decimals(before: Sequence[float], values: Sequence[float]) -> list[float]:
    """`rise` of each, for decimals of at most six places that are less than 1e9; NaN stays."""
    return [
        round((value - last) * 1e6) / 1e6 if value >= last else rise(last, value)
        for last, value in zip(before, values, strict=True)
    ]


def difference(value: float, before: float) -> float:
    """`value - before` without the noise of floats, where both are decimals of at most six places."""
    exact = value - before
    rounded = round(exact, 6)
    is_decimal = round(value, 6) == value and round(before, 6) == before
    return rounded if is_decimal and abs(rounded - exact) < 1e-6 else exact
