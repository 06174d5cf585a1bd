"""Finds out which seasons a series has: a day, a week, both or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import hypot
from operator import mul

DAY, WEEK = 86_400.0, 604_800.0
FEWEST_STEPS = 4
SHORTEST = 2
"""Steps of a season that somebody states."""
ECHO = 0.1
ENOUGH_WEEKS = 4
"""Of a series that shows neither: from so many on, days and weeks still tell something."""


@dataclass(frozen=True)
class Seasons:
    """Steps in a day and in a week, whether or not these are `seasonal`; of a series that is too short for both, of the
    pieces that it is cut into.
    """

    day: int
    week: int
    seasonal: bool


def find_seasons(values: Sequence[float], step: float, horizon: int) -> Seasons:
    """The seasons of a series without gaps: those of the calendar, if values come again after one; else its rows."""
    fitting = [found for period in (DAY, WEEK) if (found := _rows(period, step, len(values)))]
    echoing = next((rows for rows in fitting if echo(values, rows.day) > ECHO), None)
    enough = len(values) * step >= ENOUGH_WEEKS * WEEK
    for rows in fitting[:1]:
        if rows.week > rows.day and (echoing or enough):
            return replace(rows, seasonal=bool(echoing))
    if echoing:
        return echoing
    piece = max(1, min(horizon, len(values) // 12))
    return Seasons(piece, piece, seasonal=False)


def _rows(period: float, step: float, count: int) -> Seasons | None:
    """Rows of a period, and weeks where there are more than two; None for a series that is too short or coarse."""
    day = round(period / step)
    if day < FEWEST_STEPS or abs(day * step - period) > 1e-6 * period or count < 3 * day:
        return None
    week = round(WEEK / step)
    return Seasons(day, week if count > 2 * week + day else day, seasonal=True)


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
    size = hypot(*earlier) * hypot(*later)
    return sum(map(mul, earlier, later)) / size if size > 0 else 0.0
