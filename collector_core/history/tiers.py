"""Readings summed up by steps of time: what every tier stores, and what queries by step answer with."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import mul, sub

from collector_core.history.points import Points

LARGEST = 1e15  # integrals beyond have no noise to lose
HOUR = 3_600_000  # milliseconds, as all times and steps here


class StepSummary:
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

    def merge(self, later: StepSummary) -> None:
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
        return mean_of(self.covered, self.integral, self.last)

    @property
    def row(self) -> tuple[float, ...]:
        """Its numbers, in the order of `from_row`; sums lose the noise of floats."""
        integral, rise = round(self.integral, 6), round(self.rise, 6)
        return self.count, self.covered, integral, self.minimum, self.maximum, self.last, rise

    @classmethod
    def from_row(cls, row: Sequence[float]) -> StepSummary:
        """What `row` gave."""
        found = cls(row[5])
        found.count, found.covered = int(row[0]), int(row[1])
        found.integral, found.minimum, found.maximum, found.rise = row[2], row[3], row[4], row[6]
        return found


COLUMNS = ("count", "covered", "integral", "minimum", "maximum", "last", "rise")
MEAN = "mean"  # what readers make of these: the integral over the time that is covered, where none is the last value

Steps = dict[int, StepSummary]  # by the start of each step


def mean_of(covered: float, integral: float, last: float) -> float:
    """The mean over the time that is covered, without the noise of adding floats; where none is, the last value."""
    if not covered:
        return last
    if abs(integral) > LARGEST:
        return integral * 1000 / covered
    return round(integral * 1e9) / (covered * 1_000_000)


def floor_to(time: int, step: int) -> int:
    """The start of the step that a time is in."""
    return time // step * step


def hours_of(times: Sequence[int]) -> Iterator[int]:
    """The starts of the hours that these times are in; they rise."""
    place = 0
    while place < len(times):
        hour = floor_to(times[place], HOUR)
        yield hour
        place = bisect_left(times, hour + HOUR, place)


def summarize(points: Points, step: int, start: int, end: int, *, gap: int, breaks: Sequence[int] = ()) -> Steps:
    """The steps of the time from `start` to before `end`.

    `points` begin with the last reading before `start`, which may hold into it, and end with the first one from `end`
    on. A reading holds until the next one, unless that comes more than `gap` later or after one of `breaks`, the times
    at which the collector was started; it then holds for no time at all.
    """
    found: Steps = {}
    times, holds = points.times, _holds(points.times, gap, breaks)
    first, behind = bisect_left(times, start), bisect_left(times, end)
    for place in range(first):
        _spread(found, points.values[place], step, max(start, times[place]), min(end, times[place] + holds[place]))
    while first < behind:
        key = floor_to(times[first], step)
        last = bisect_left(times, min(end, key + step), first) - 1
        _add_readings(found.setdefault(key, StepSummary(points.values[first])), points, holds, first, last)
        _spread(found, points.values[last], step, times[last], min(end, times[last] + holds[last]))
        first = last + 1
    return found


def regroup(steps: Iterable[tuple[int, StepSummary]], step: int) -> Steps:
    """Steps put together to longer ones; they are in the order of their times."""
    found: Steps = {}
    for time, summary in steps:
        key = floor_to(time, step)
        if key in found:
            found[key].merge(summary)
        else:
            found[key] = StepSummary.from_row(summary.row)
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


def _holds(times: Sequence[int], gap: int, breaks: Sequence[int]) -> list[int]:
    """For how long each reading holds."""
    holds = [each if each <= gap else 0 for each in map(sub, times[1:], times)]
    if times:
        for each in breaks[bisect_right(breaks, times[0]) : bisect_right(breaks, times[-1])]:
            holds[bisect_left(times, each) - 1] = 0
        holds.append(0)
    return holds


def _add_readings(summary: StepSummary, points: Points, holds: Sequence[int], first: int, last: int) -> None:
    """Take the readings from `first` to `last`, all of one step; what the last of them holds is not in it yet."""
    values, held = points.values[first : last + 1], holds[first:last]
    least, most = min(values), max(values)
    summary.minimum = min(summary.minimum, least) if summary.count else least
    summary.maximum = max(summary.maximum, most) if summary.count else most
    summary.count += len(values)
    summary.covered += sum(held)
    summary.integral += sum(map(mul, values, held)) / 1000
    summary.last = values[-1]
    summary.rise += sum(points.rises[first : last + 1])


def _spread(found: Steps, value: float, step: int, time: int, until: int) -> None:
    """Let a value hold from `time` to `until`, in each step that this touches."""
    while time < until:
        key = floor_to(time, step)
        held = min(until, key + step)
        if key not in found:
            found[key] = StepSummary(value)
        found[key].hold(value, held - time)
        time = held
