"""Readings summed up by steps of time: what every tier stores, and what queries by step answer with."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from collector_core.history.points import Point, Points

HOUR = 3_600_000  # milliseconds, as all times and steps here


class Summary:
    """One series within one step.

    `covered` is for how many milliseconds its value was known, `integral` the value times these (in seconds), `rise`
    the sum of a counter's rises. A step that is covered from before may have no reading of its own: `count` is 0.
    """

    __slots__ = ("count", "covered", "integral", "last", "maximum", "minimum", "rise")

    def __init__(self, value: float) -> None:
        self.count = 0
        self.covered = 0
        self.integral = 0.0
        self.minimum = self.maximum = self.last = value
        self.rise = 0.0

    def hold(self, value: float, milliseconds: int) -> None:
        """The value was known for so long."""
        self.covered += milliseconds
        self.integral += value * milliseconds / 1000

    def add(self, point: Point) -> None:
        """Take a reading, later than those before."""
        if self.count:
            self.minimum, self.maximum = min(self.minimum, point.value), max(self.maximum, point.value)
        else:
            self.minimum = self.maximum = point.value
        self.count += 1
        self.last = point.value
        self.rise += point.rise

    def merge(self, later: Summary) -> None:
        """Take a later part of the same step."""
        if later.count:
            self.minimum = min(self.minimum, later.minimum) if self.count else later.minimum
            self.maximum = max(self.maximum, later.maximum) if self.count else later.maximum
            self.last = later.last
        self.count += later.count
        self.covered += later.covered
        self.integral += later.integral
        self.rise += later.rise

    @property
    def mean(self) -> float:
        """The mean over the time that is covered; where none is, the last value."""
        return self.integral * 1000 / self.covered if self.covered else self.last

    @property
    def row(self) -> tuple[float, ...]:
        """Its numbers, in the order of `from_row`; sums lose the noise of floats."""
        integral, rise = round(self.integral, 6), round(self.rise, 6)
        return self.count, self.covered, integral, self.minimum, self.maximum, self.last, rise

    @classmethod
    def from_row(cls, row: Sequence[float]) -> Summary:
        """What `row` gave."""
        found = cls(row[5])
        found.count, found.covered = int(row[0]), int(row[1])
        found.integral, found.minimum, found.maximum, found.rise = row[2], row[3], row[4], row[6]
        return found


COLUMNS = ("count", "covered", "integral", "minimum", "maximum", "last", "rise")

Steps = dict[int, Summary]  # by the start of each step


def floor_to(time: int, step: int) -> int:
    """The start of the step that a time is in."""
    return time // step * step


def summarize(points: Points, step: int, start: int, end: int, *, gap: int, breaks: Sequence[int] = ()) -> Steps:
    """The steps of the time from `start` to before `end`.

    `points` begin with the last reading before `start`, which may hold into it, and end with the first one from `end`
    on. A reading holds until the next one, unless that comes more than `gap` later or after one of `breaks`, the times
    at which the collector was started; it then holds for no time at all.
    """
    found: Steps = {}
    following = chain(points.times[1:], [0])
    for point, until in zip(points, following, strict=False):
        if start <= point.time < end:
            key = floor_to(point.time, step)
            if key not in found:
                found[key] = Summary(point.value)
            found[key].add(point)
        if 0 < until - point.time <= gap and not _is_broken(breaks, point.time, until):
            _spread(found, point, step, max(start, point.time), min(end, until))
    return found


def regroup(steps: Iterable[tuple[int, Summary]], step: int) -> Steps:
    """Steps put together to longer ones; they are in the order of their times."""
    found: Steps = {}
    for time, summary in steps:
        key = floor_to(time, step)
        if key in found:
            found[key].merge(summary)
        else:
            found[key] = Summary.from_row(summary.row)
    return found


def summarize_tiers(
    points: Points, steps: Sequence[int], start: int, end: int, *, gap: int, breaks: Sequence[int] = ()
) -> Iterator[tuple[int, Steps]]:
    """The same for several steps, the shortest first; a longer one is put together of the shorter where that fits."""
    found: Steps = {}
    for finer, step in zip((0, *steps), steps, strict=False):
        if finer and step % finer == 0:
            found = regroup(sorted(found.items()), step)
        else:
            found = summarize(points, step, start, end, gap=gap, breaks=breaks)
        yield step, found


def periods_to_sum_up(hours: Iterable[int], border: int) -> list[tuple[int, int]]:
    """Start and end of each row of hours without a gap; none of these goes on across the border.

    To each hour belongs the one before, whose last reading may hold longer now.
    """
    periods = list[tuple[int, int]]()
    known = set(hours)
    for hour in sorted(known | {hour - HOUR for hour in known}):
        if periods and periods[-1][1] == hour and not periods[-1][0] < border <= hour:
            periods[-1] = periods[-1][0], hour + HOUR
        else:
            periods.append((hour, hour + HOUR))
    return periods


def _spread(found: Steps, point: Point, step: int, time: int, until: int) -> None:
    """Let a reading hold from `time` to `until`, in each step that this touches."""
    while time < until:
        key = floor_to(time, step)
        held = min(until, key + step)
        if key not in found:
            found[key] = Summary(point.value)
        found[key].hold(point.value, held - time)
        time = held


def _is_broken(breaks: Sequence[int], start: int, end: int) -> bool:
    """Whether one of `breaks`, which are sorted, lies after `start` and not after `end`."""
    return bool(breaks) and bisect_right(breaks, start) < bisect_left(breaks, end + 1)
