"""What a battery must give, as the last days went on from this time of day: they know habits and appliances."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from itertools import chain, cycle, islice, pairwise
from math import ceil, exp
from statistics import fmean
from typing import NamedTuple

from collector_plugins.forecast.gaps import fill_gaps
from collector_plugins.forecast.periods import SATURDAY, datetime_of, utc_offset

STEP = 900.0
DAY = 86_400.0
STEPS_A_DAY = 96
FEWEST_DAYS = 5
ENOUGH_KNOWN = 0.9
"""The share of a day's steps, before and after this time of day, that must have been measured."""
OTHER_KIND = 0.5
"""What a working day counts less for a weekend, or the other way round: now, and as much for half a day from now."""
CHANCE = 0.3
"""How alike one day and the next are by chance, where only two weeks of them are known."""
DRAW_LASTS = 0.7
DRAW_FADES = 1800.0
"""Seconds in which it fades how much more or less is drawn now than on that day: most appliances run no longer."""
SKY_FADES = 6 * 3600.0
SKY_STEPS = 4
SKY_RANGE = (0.3, 3.0)
LATEST = 6 * 3600.0
"""How long after their end the days still say what is usual."""
DIM = 0.02
"""Sun below this share of the highest says nothing of the sky."""


class Course(NamedTuple):
    """What a battery must give, in pieces of seconds and watts, and how much that counts among other courses."""

    weight: float
    pieces: Sequence[tuple[float, float]]


class PastDays:
    """Load and solar power of the last days in watts, one value for each `STEP` up to `end`; None is a gap."""

    def __init__(self, end: float, loads: Sequence[float | None], suns: Sequence[float | None]) -> None:
        self._start, self._end = end - len(loads) * STEP, end
        self._known = [load is not None and sun is not None for load, sun in zip(loads, suns, strict=True)]
        is_empty = not any(self._known)
        self._loads, self._suns = ([] if is_empty else fill_gaps(each, STEPS_A_DAY) for each in (loads, suns))
        self._ends = range(len(self._loads), STEPS_A_DAY - 1, -STEPS_A_DAY)
        self._levels = [fmean(self._loads[end - STEPS_A_DAY : end]) for end in self._ends]
        self._memory = max(0.0, _likeness(self._levels) - CHANCE)

    def courses(self, now: float, until: float, drawn: float | None, zone: tzinfo | None) -> list[Course]:
        """One as each of the days went on, from `now` on; none where too few days are known.

        What is `drawn` now, the mean watts of the last minutes, lasts for a while. Habits follow the clock of `zone`,
        the sun does not.
        """
        days = [day for day in range(1, len(self._levels)) if self._is_known(day)]
        if len(days) < FEWEST_DAYS or not 0 <= now - self._end <= LATEST:
            return []
        first = STEP - now % STEP
        lengths = [first, *[STEP] * ceil((until - now - first) / STEP)]
        found = []
        for day in days:
            nets = self._nets(now, day, len(lengths), drawn, zone)
            found.append(Course(_weight(now, day, zone), list(zip(lengths, nets, strict=True))))
        return found

    def _is_known(self, day: int) -> bool:
        end = self._ends[day]
        return fmean(self._known[end - STEPS_A_DAY : end + STEPS_A_DAY]) >= ENOUGH_KNOWN

    def _nets(self, now: float, day: int, steps: int, drawn: float | None, zone: tzinfo | None) -> list[float]:
        place = int((now - self._start) // STEP) - day * STEPS_A_DAY
        moved = utc_offset(now, zone) - utc_offset(now - day * DAY, zone)
        loads = self._load(day, place + int(moved // STEP), steps, drawn)
        return [load - sun for load, sun in zip(loads, self._sun(day, place, steps), strict=True)]

    def _load(self, day: int, place: int, steps: int, drawn: float | None) -> list[float]:
        """That of the day, on the level of today as far as days are like the ones before them."""
        level = self._memory * (self._levels[0] - self._levels[day])
        usual = fmean(self._loads[max(0, place - 1) : place + 1]) + level
        more = 0.0 if drawn is None else DRAW_LASTS * (drawn - usual)
        values = _going_on(self._loads, place, steps)
        least = min(0.0, *values)
        return [
            max(least, value + level + more * exp(-(step + 0.5) * STEP / DRAW_FADES))
            for step, value in enumerate(values)
        ]

    def _sun(self, day: int, place: int, steps: int) -> list[float]:
        """That of the day, brighter or dimmer as the last hour was."""
        values = _going_on(self._suns, place, steps)
        end = self._ends[day]
        today, then = fmean(self._suns[-SKY_STEPS:]), fmean(self._suns[end - SKY_STEPS : end])
        if then <= DIM * max(self._suns):
            return values
        low, high = SKY_RANGE
        more = min(max(today / then, low), high) - 1
        return [value * (1 + more * exp(-(step + 0.5) * STEP / SKY_FADES)) for step, value in enumerate(values)]


def _going_on(values: Sequence[float], place: int, steps: int) -> list[float]:
    """The values from a place on; after the last one the last day comes again and again."""
    return list(islice(chain(values[place : place + steps], cycle(values[-STEPS_A_DAY:])), steps))


def _weight(now: float, day: int, zone: tzinfo | None) -> float:
    """Friday's evening is that of a working day, and late."""
    times = (now, now + DAY / 2)
    others = sum(_is_weekend(time, zone) != _is_weekend(time - day * DAY, zone) for time in times)
    return OTHER_KIND**others


def _is_weekend(time: float, zone: tzinfo | None) -> bool:
    return datetime_of(time, zone).weekday() >= SATURDAY


def _likeness(levels: Sequence[float]) -> float:
    """The correlation of each day's level with that of the day before it."""
    if not levels:
        return 0.0
    mean = fmean(levels)
    off = [level - mean for level in levels]
    size = sum(each * each for each in off)
    return sum(one * other for one, other in pairwise(off)) / size if size > 0 else 0.0
