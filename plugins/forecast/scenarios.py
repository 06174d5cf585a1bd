"""Courses that a forecast series may take, so that sums, peaks and times can be given with their probability."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import sqrt
from random import Random
from statistics import NormalDist

HOUR = 3600.0
COUNT = 200
CORRELATION_OF_HOURS = 0.8
"""How much of an hour's error is that of the hour before."""

_Z = NormalDist().inv_cdf


def courses(
    quantiles: Mapping[float, Sequence[float]], step: float, seed: str, minimum: float | None = None
) -> list[list[float]]:
    """`COUNT` courses whose values are distributed as the quantiles of each step say; the same for the same `seed`.

    The error of a step is close to that of the step before. No value is below `minimum`.
    """
    random = Random(seed)  # noqa: S311 - no secret depends on it
    places = sorted((_Z(quantile), values) for quantile, values in quantiles.items())
    steps = len(places[0][1])
    kept = CORRELATION_OF_HOURS ** (step / HOUR)
    new = sqrt(1 - kept * kept)
    found = []
    for _ in range(COUNT // 2):
        z = random.gauss(0, 1)
        course, mirrored = [], []
        for number in range(steps):
            course.append(_value(places, number, z, minimum))
            mirrored.append(_value(places, number, -z, minimum))
            z = kept * z + new * random.gauss(0, 1)
        found += [course, mirrored]
    return found


def quantiles_of(
    values: Sequence[float], asked: Sequence[float], weights: Sequence[float] | None = None
) -> dict[float, float]:
    """Quantiles of numbers, which may be infinite; all weigh the same without `weights`."""
    ordered = sorted(zip(values, weights or [1.0] * len(values), strict=True))
    sums = list(accumulate(weight for _, weight in ordered))
    return {each: ordered[min(len(sums) - 1, bisect_right(sums, each * sums[-1]))][0] for each in asked}


def _value(places: Sequence[tuple[float, Sequence[float]]], number: int, z: float, minimum: float | None) -> float:
    """The value of a step where the standard normal distribution has `z`."""
    if len(places) == 1:
        value = places[0][1][number]
    else:
        upper = next((place for place in range(1, len(places) - 1) if z < places[place][0]), len(places) - 1)
        (low, before), (high, after) = places[upper - 1], places[upper]
        value = before[number] + (after[number] - before[number]) * (z - low) / (high - low)
    return value if minimum is None else max(minimum, value)
