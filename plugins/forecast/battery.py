"""When a battery will be empty or full: its charge, computed ahead through the courses of load and solar power."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from collector_plugins.forecast.likeliest import likeliest
from collector_plugins.forecast.messages import Trained
from collector_plugins.forecast.past_days import Course
from collector_plugins.forecast.scenarios import COUNT, courses, quantiles_of

QUANTILES = (0.1, 0.5, 0.9)
SHARE_OF_DAYS = 0.7
"""What courses of past days weigh beside those of the forecasts, which know of no appliance but of changes."""


@dataclass(frozen=True)
class Battery:
    """A battery now: what it holds and what it holds when full, in joules, and its limits in watts.

    `drawn` joules leave it for each that it gives, and `kept` stay of each that it takes.
    """

    name: str
    stored: float
    capacity: float
    reserve: float = 0.0
    max_charge: float = inf
    max_discharge: float = inf
    discharging: float | None = None
    drawn: float = 1.0
    kept: float = 1.0

    @property
    def runtime(self) -> float | None:
        """Seconds until it is empty if it goes on to give what it gives now; None while it gives nothing."""
        if self.discharging is None or self.discharging <= 1.0:
            return None
        return max(0.0, self.stored - self.reserve * self.capacity) / self.discharging


@dataclass(frozen=True)
class Ahead:
    """Seconds until a battery is empty and full by quantile, absent where it will not be; the risk of empty, 0 to 1.

    `lowest` is its lowest charge until a time, 0 to 1 by quantile; empty where the forecasts do not reach so far.
    The likeliest times are those near which most courses lie: right to half an hour more often than the median.
    None where the median is absent; never outside the quantiles.
    """

    empty: dict[float, float] = field(default_factory=dict)
    full: dict[float, float] = field(default_factory=dict)
    empty_risk: float = 0.0
    lowest: dict[float, float] = field(default_factory=dict)
    likeliest_empty: float | None = None
    likeliest_full: float | None = None


class _Course(NamedTuple):
    """Seconds until a battery is empty and full in one course, infinite where it is not, and its lowest charge."""

    empty: float
    full: float
    lowest: float


class NetCourses:
    """Courses of what a battery must give (load less solar power, in watts), made once for each training."""

    def __init__(self, load: Trained, solar: Trained | None) -> None:
        self._load, self._solar = load, solar
        self._loads = courses(load.quantiles, load.step, "load", load.minimum)
        self._solars = courses(solar.quantiles, solar.step, "solar", solar.minimum) if solar else []

    def is_of(self, load: Trained, solar: Trained | None) -> bool:
        """Whether these are the courses of these forecasts."""
        return self._load is load and self._solar is solar

    @property
    def end(self) -> float:
        """Until when both are forecast, Unix seconds."""
        return min(self._load.end, self._solar.end) if self._solar else self._load.end

    def courses(self, now: float) -> list[Course]:
        """From `now` on; none where the forecasts do not reach it."""
        pieces = list(self._pieces(now))
        return [
            Course(1.0, [(seconds, self.watts(number, load, solar)) for seconds, load, solar in pieces])
            for number in range(COUNT if pieces else 0)
        ]

    def _pieces(self, now: float) -> Iterator[tuple[float, int, int]]:
        """How long each piece of the time from now on is, and which steps of load and solar power are in it."""
        load, solar = self._load, self._solar
        while now < self.end:
            place = load.place(now)
            if place is None:
                return
            until = load.start + (place + 1) * load.step
            other = solar.place(now) if solar else 0
            if other is None:
                return
            if solar:
                until = min(until, solar.start + (other + 1) * solar.step)
            yield until - now, place, other
            now = until

    def watts(self, number: int, load: int, solar: int) -> float:
        """What the battery must give in one course."""
        return self._loads[number][load] - (self._solars[number][solar] if self._solars else 0.0)


def look_ahead(battery: Battery, net: NetCourses, now: float, until: float = inf, days: Sequence[Course] = ()) -> Ahead:
    """When a battery is empty and full from `now` on, and how low it gets `until` then (Unix seconds).

    Courses as past `days` went on have `SHARE_OF_DAYS` of the weight of all, where there are any.
    """
    said = net.courses(now)
    if not said:
        return Ahead()
    found = [_follow(battery, course.pieces, until - now) for course in (*said, *days)]
    weights = [*_weights(said, 1 - SHARE_OF_DAYS if days else 1.0), *_weights(days, SHARE_OF_DAYS)]
    empties, fulls, charges = zip(*found, strict=True)
    empty, full, lowest = (quantiles_of(each, QUANTILES, weights) for each in (empties, fulls, charges))
    reaches = sum(seconds for seconds, _ in said[0].pieces) >= until - now
    risk = sum(weight for each, weight in zip(empties, weights, strict=True) if each < inf)
    return Ahead(
        _finite(empty),
        _finite(full),
        min(1.0, round(risk, 9)),
        lowest if reaches else {},
        _likeliest(empties, weights, empty),
        _likeliest(fulls, weights, full),
    )


def _weights(courses: Sequence[Course], share: float) -> list[float]:
    """That of each course, all together `share`."""
    whole = sum(course.weight for course in courses)
    return [share * course.weight / whole for course in courses]


def _follow(battery: Battery, pieces: Iterable[tuple[float, float]], length: float) -> _Course:
    """One course; the lowest charge is that of the first `length` seconds."""
    floor, ceiling = battery.reserve * battery.capacity, battery.capacity
    stored, passed, empty, full = battery.stored, 0.0, inf, inf
    lowest = stored
    if stored <= floor:
        empty = 0.0
    if stored >= ceiling:
        full = 0.0
    for seconds, net in pieces:
        watts = min(battery.max_discharge, max(-battery.max_charge, net))
        watts *= battery.drawn if watts > 0 else battery.kept
        later = stored - watts * seconds
        if later <= floor < stored and empty == inf:
            empty = passed + (stored - floor) / watts
        if later >= ceiling > stored and full == inf:
            full = passed + (ceiling - stored) / -watts
        if passed < length:
            lowest = min(lowest, stored - watts * min(seconds, length - passed))
        stored = min(ceiling, max(floor, later))
        passed += seconds
    return _Course(empty, full, max(floor, lowest) / ceiling)


def _likeliest(times: Sequence[float], weights: Sequence[float], quantiles: dict[float, float]) -> float | None:
    """Within the quantiles: a heap of less than a tenth does not stand for the rest."""
    found = min(max(likeliest(times, weights), min(quantiles.values())), max(quantiles.values()))
    return found if found < inf else None


def _finite(times: dict[float, float]) -> dict[float, float]:
    return {quantile: seconds for quantile, seconds in times.items() if seconds < inf}
