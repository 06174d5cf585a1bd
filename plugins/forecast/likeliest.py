"""The most likely of many possible times: the one near which most of them lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import inf

STEP = 300.0
REACH = 12
"""Steps from a time within which others speak for it: an hour."""

_SHARES = {away: 1 - (away / REACH) ** 2 for away in range(1 - REACH, REACH)}


def likeliest(times: Sequence[float], weights: Sequence[float]) -> float:
    """In the unit of `times`, seconds, which may be infinite; infinite where half of the weight or more is.

    It lies between the first and the last of the finite times, to `STEP`. Of equals it is the earliest.
    """
    known = [(time, weight) for time, weight in zip(times, weights, strict=True) if time < inf]
    if 2 * sum(weight for _, weight in known) <= sum(weights):
        return inf
    near = defaultdict[int, float](float)
    for place, weight in _together(known).items():
        for away, share in _SHARES.items():
            near[place + away] += weight * share
    found = max(near, key=lambda place: (near[place], -place)) * STEP
    return min(max(found, min(known)[0]), max(known)[0])


def _together(known: Sequence[tuple[float, float]]) -> dict[int, float]:
    """The weight of each step of time."""
    sums = defaultdict[int, float](float)
    for time, weight in known:
        sums[round(time / STEP)] += weight
    return sums
