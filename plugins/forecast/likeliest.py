"""The most likely of many possible times: the one near which most of them lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import inf

STEP = 300.0
REACH = 12
"""Steps from a time within which others speak for it: an hour."""

_SHARES = [1 - (away / REACH) ** 2 for away in range(REACH)]


def likeliest(times: Sequence[float], weights: Sequence[float]) -> float:
    """In seconds; infinite where half of the weight or more is, by times that are."""
    together = defaultdict[int, float](float)
    for time, weight in zip(times, weights, strict=True):
        if time < inf:
            together[round(time / STEP)] += weight
    if 2 * sum(together.values()) <= sum(weights):
        return inf
    near = defaultdict[int, float](float)
    for place, weight in together.items():
        for away, share in enumerate(_SHARES):
            near[place + away] += weight * share
            if away:
                near[place - away] += weight * share
    return max(0, max(near, key=lambda place: (near[place], -place))) * STEP
