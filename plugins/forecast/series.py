"""A series on a regular grid of times, and how to make one of points that are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from statistics import median_low

from collector_core import NotAvailable, Reason

MOST_STEPS = 1_000_000
"""A grid with more steps comes of a wrong time or a wrong step, and would fill the memory with gaps."""

USUAL_STEPS = (
    1.0,
    5.0,
    10.0,
    15.0,
    30.0,
    60.0,
    300.0,
    600.0,
    900.0,
    1800.0,
    3600.0,
    7200.0,
    21_600.0,
    43_200.0,
    86_400.0,
)
NEAR, SAME = 0.1, 1e-6
"""Shares of a step: how far off a usual one may lie, and how much the same distance varies."""


class TooShort(NotAvailable):
    """There are too few values; the detail says how many there are, and the fix what is missing."""

    def __init__(self, detail: str, *, fix: str = "") -> None:
        super().__init__(Reason.BAD_DATA, detail, fix=fix)


@dataclass(frozen=True)
class TimeSeries:
    """Values every `step` seconds since `start`, a Unix time; None is a gap."""

    start: float
    step: float
    values: Sequence[float | None]

    @property
    def end(self) -> float:
        """The time of the first step after the last value."""
        return self.start + self.step * len(self.values)

    @property
    def known(self) -> int:
        """How many steps have a value."""
        return sum(value is not None for value in self.values)


def regular(points: Iterable[tuple[float, float]], step: float | None = None) -> TimeSeries:
    """The mean of the points in each step of a grid; `step` in seconds, by default the usual distance between points,
    and where these vary the minutes, hours or days that are near it.

    Points may come in any order and any number per step, and steps without a point are gaps. Points that are not
    finite are left out. Raises `TooShort` where fewer than two are left, and `ValueError` for a step that is not
    positive, or that makes a grid of more than `MOST_STEPS`.
    """
    rows = sorted((time, value) for time, value in points if isfinite(time) and isfinite(value))
    distances = [later[0] - earlier[0] for earlier, later in pairwise(rows) if later[0] > earlier[0]]
    if not distances:
        raise TooShort(f"{len(rows)} values at different times are too few", fix="a series of several days")
    if step is None:
        step = _usual_step(distances)
    if not step > 0:
        raise ValueError("the step is not positive")
    first = rows[0][0] // step
    steps = int(rows[-1][0] // step - first) + 1
    if steps > MOST_STEPS:
        raise ValueError(
            f"from the first value to the last there are {steps} steps of {step:g} s, more than {MOST_STEPS}"
        )
    sums, counts = [0.0] * steps, [0] * steps
    for time, value in rows:
        place = int(time // step - first)
        sums[place] += value
        counts[place] += 1
    values = [total / count if count else None for total, count in zip(sums, counts, strict=True)]
    return TimeSeries(first * step, step, values)


def _usual_step(distances: Sequence[float]) -> float:
    step = float(median_low(distances))
    alike = sum(abs(each - step) <= SAME * step for each in distances)
    nearest = min(USUAL_STEPS, key=lambda usual: abs(usual - step))
    return step if alike > len(distances) / 2 or abs(nearest - step) > NEAR * step else nearest
