"""Forecasts a counter by what it grows in each step, so that it never falls and goes on as fast as it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from math import copysign, sqrt

FEWEST = 24


def is_counter(values: Sequence[float | None]) -> bool:
    """Whether it never falls and mostly grows."""
    known = [value for value in values if value is not None]
    steps = [later - earlier for earlier, later in pairwise(known)]
    return len(known) >= FEWEST and min(steps) >= 0 and sum(step > 0 for step in steps) > len(steps) / 2


def growth(values: Sequence[float | None]) -> list[float | None]:
    """How much it grew in each step; across a gap the same in each."""
    found: list[float | None] = []
    last, steps = None, 1
    for value in values:
        if value is None or last is None:
            steps = steps + 1 if value is None else 1
        else:
            found += [(value - last) / steps] * steps
            steps = 1
        last = last if value is None else value
    return found


def counted(paths: Mapping[float, Sequence[float]], last: float) -> dict[float, list[float]]:
    """Paths of the counter from those of its growth, which has the quantile 0.5 too.

    Bands widen between what errors without and with full memory would add up to.
    """
    middle = [last + total for total in accumulate(paths[0.5])]
    found = {}
    for quantile, path in paths.items():
        widths = [abs(value - mid) for value, mid in zip(path, paths[0.5], strict=True)]
        alone = map(sqrt, accumulate(width * width for width in widths))
        off = [(total + single) / 2 for total, single in zip(accumulate(widths), alone, strict=True)]
        band = [mid + copysign(each, quantile - 0.5) for mid, each in zip(middle, off, strict=True)]
        found[quantile] = [max(value, last) for value in band] if quantile != 0.5 else middle
    return found
