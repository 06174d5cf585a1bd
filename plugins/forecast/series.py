"""A series on a regular grid of times, and how to make one of points that are not."""

from __future__ import annotations

from array import array
from cmath import phase, rect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import islice, pairwise
from math import floor, isfinite, tau
from operator import le
from statistics import median_low

from collector_core import NotAvailable, Reason

MOST_STEPS, MOST_FOR_A_POINT = 1_000_000, 4
"""A grid with more steps, and more for each point, comes of a wrong time, and would fill the memory with gaps."""
LARGEST = 1e150
"""Its square is a number, too."""
RECENT = 10_000
"""Distances between the last points that tell the step."""
SEVERAL = 1.5
"""Points a step from which on it is not theirs."""
PARTS_OF_A_STEP = 4
"""How exactly points that vary tell when in the hour, say, they are."""

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


def regular(points: Iterable[tuple[float, float]], step: float | None = None, zone: tzinfo = UTC) -> TimeSeries:
    """The mean of the points in each step of a grid; `step` in seconds, by default the usual distance between points,
    and where these vary the minutes, hours or days that are near it.

    Points may come in any order and any number per step, and steps without a point are gaps. Where there is about one
    for each step, it counts for the nearest, and a step is as late in the hour as the points are; longer steps begin at
    full hours and days of `zone`. Points that are not finite, or beyond what anything measures, are left out. Raises
    `TooShort` where fewer than two are left, and `ValueError` for a step that is not positive, or times so far apart
    that most steps are gaps.
    """
    times, values = array("d"), array("d")
    for time, value in points:
        if isfinite(time) and abs(value) <= LARGEST:
            times.append(time)
            values.append(value)
    ordered = times if all(map(le, times, islice(times, 1, None))) else array("d", sorted(times))
    if not times or ordered[0] == ordered[-1]:
        raise TooShort(f"too few values: {len(times)}, no two at different times", fix="a series of several days")
    grid = _grid(ordered, step, zone)
    first = grid.place(ordered[0])
    steps = grid.place(ordered[-1]) - first + 1
    if steps > max(MOST_STEPS, MOST_FOR_A_POINT * len(times)):
        start, end = (datetime.fromtimestamp(time, UTC).date() for time in (ordered[0], ordered[-1]))
        raise ValueError(
            f"{len(times)} values are too few for {steps} steps of {grid.step:g} s from {start} to {end}: "
            "a time is wrong, or the step too short"
        )
    return TimeSeries(grid.begins + first * grid.step, grid.step, grid.means(times, values, first, steps))


@dataclass(frozen=True)
class _Grid:
    """Steps of `step` seconds, one of which begins at `begins`; each takes points that are up to `early` before it."""

    step: float
    begins: float
    early: float = 0.0

    def place(self, time: float) -> int:
        """Which step a time belongs to."""
        return floor((time - self.begins + self.early) / self.step)

    def means(self, times: Sequence[float], values: Sequence[float], first: int, steps: int) -> list[float | None]:
        """The mean of the values in each of so many steps."""
        sums, counts = array("d", bytes(8 * steps)), array("Q", bytes(8 * steps))
        for time, value in zip(times, values, strict=True):
            place = self.place(time) - first
            sums[place] += value
            counts[place] += 1
        return [total / count if count else None for total, count in zip(sums, counts, strict=True)]


def _grid(ordered: Sequence[float], step: float | None, zone: tzinfo) -> _Grid:
    """The grid of points by their times."""
    backwards = (later - earlier for later, earlier in pairwise(reversed(ordered)) if later > earlier)
    distances = list(islice(backwards, RECENT))
    usual = _usual_step(distances)
    if step is None:
        step = usual
    if not step > 0:
        raise ValueError("the step is not positive")
    if step < SEVERAL * usual:
        return _Grid(step, _phase(ordered, distances[0], step), step / 2)
    offset = datetime.fromtimestamp(ordered[-1], zone).utcoffset()
    return _Grid(step, -offset.total_seconds() % step if offset else 0.0)


def _phase(ordered: Sequence[float], last_distance: float, step: float) -> float:
    """How late after a full step the points are: as the last one, or, where they vary, the mean of many."""
    if abs(last_distance - round(last_distance / step) * step) <= SAME * step:
        return ordered[-1] % step
    angles = (rect(1.0, tau * time / step) for time in ordered[-RECENT:])
    return round(phase(sum(angles)) / tau * PARTS_OF_A_STEP) * step / PARTS_OF_A_STEP


def _usual_step(distances: Sequence[float]) -> float:
    step = float(median_low(distances))
    alike = sum(abs(each - step) <= SAME * step for each in distances)
    nearest = min(USUAL_STEPS, key=lambda usual: abs(usual - step))
    return step if alike > len(distances) / 2 or abs(nearest - step) > NEAR * step else nearest
