"""Finds out which seasons a series has: a day, a week, both or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

DAY, WEEK = 86_400.0, 604_800.0
FEWEST_STEPS = 4
SHORTEST = 2
"""Steps of a season that somebody states."""
ECHO = 0.1


@dataclass(frozen=True)
class Seasons:
    """Steps in a day and in a week, whether these are `seasonal` or not; of a series that is too short for both, steps of the
    pieces that it is cut into.
    """

    day: int
    week: int
    seasonal: bool


def find_seasons(values: Sequence[float], step: float, horizon: int) -> Seasons:
    """The seasons of a series without gaps: those of the calendar, and whether values come again after one."""
    for period, longer in ((DAY, WEEK), (WEEK, 0.0)):
        day = round(period / step)
        fits = day >= FEWEST_STEPS and abs(day * step - period) < 1e-6 * period and len(values) >= 3 * day
        if not fits:
            continue
        week = round(longer / step) if longer and len(values) > 2 * longer / step + day else day
        seasonal = echo(values, day) > ECHO
        if seasonal or week > day:
            return Seasons(day, week, seasonal)
    piece = max(1, min(horizon, len(values) // 12))
    return Seasons(piece, piece, seasonal=False)


def stated_seasons(periods: Sequence[float], step: float, count: int) -> Seasons | None:
    """Seasons that somebody knows of, in seconds: the longest that a series of `count` steps shows, and the shortest
    that fits into it without rest.

    None where the series is too short for any; raises `ValueError` for one that is shorter than two steps.
    """
    steps = sorted({round(period / step) for period in periods})
    if steps and steps[0] < SHORTEST:
        raise ValueError(f"seasonalities must be at least two steps, {SHORTEST * step:g} s")
    fitting = [each for each in steps if 2 * each + steps[0] <= count]
    if not fitting:
        return None
    day = next(each for each in fitting if fitting[-1] % each == 0)
    return Seasons(day, fitting[-1], seasonal=True)


def echo(values: Sequence[float], period: int) -> float:
    """How much of a value's distance from the mean around it comes again after a period: 1 all of it, 0 nothing."""
    sums = list(accumulate(values, initial=0.0))
    half = period // 2
    width = 2 * half + 1
    around = zip(values[half:], sums, sums[width:], strict=False)
    off = [value - (after - before) / width for value, before, after in around]
    earlier, later = off[:-period], off[period:]
    size = (sum(map(mul, earlier, earlier)) * sum(map(mul, later, later))) ** 0.5
    return sum(map(mul, earlier, later)) / size if size > 0 else 0.0
