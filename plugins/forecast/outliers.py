"""Holds single values that are far from all others, so that a glitch of a meter does not become a forecast."""

from __future__ import annotations

from collections.abc import Sequence

FEWEST = 100
REACH = 10.0
"""How many times the range of nearly all values a value may lie beyond it."""


def held(values: Sequence[float | None]) -> Sequence[float | None]:
    """The values, those held that lie farther beyond 98 of a hundred than ten times the range of these."""
    ordered = sorted(value for value in values if value is not None)
    if len(ordered) < FEWEST:
        return values
    few = len(ordered) // 100
    low, high = ordered[few], ordered[-1 - few]
    reach = REACH * (high - low)
    if not reach or (ordered[0] >= low - reach and ordered[-1] <= high + reach):
        return values
    return [None if value is None else min(max(value, low - reach), high + reach) for value in values]
