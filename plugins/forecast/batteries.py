"""Batteries as they are published now, and how long they will last."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from statistics import fmean
from typing import NamedTuple

from collector_core import Published, Readings, Selector, Series, TopicSelector
from collector_plugins.forecast import metrics
from collector_plugins.forecast.battery import Ahead, Battery, NetCourses, look_ahead
from collector_plugins.forecast.config import BatteryOptions, Config
from collector_plugins.forecast.habits import Habits, Watched
from collector_plugins.forecast.periods import end_of_night
from collector_plugins.forecast.specs import Spec
from collector_plugins.forecast.state import SeriesState

LATELY = 600.0
"""Seconds whose mean is what is drawn now: a kettle is no habit."""


class Outlook(NamedTuple):
    """A battery now and what is ahead of it."""

    battery: Battery
    ahead: Ahead


Flows = tuple[Mapping[object, float], Mapping[object, float]]


class _Found(NamedTuple):
    """A battery as it is published."""

    options: BatteryOptions
    series: Series
    charge: float
    capacity: float
    flows: Flows

    def battery(self, habits: Habits) -> Battery:
        """What it is now, with what its past says about it."""
        options, capacity = self.options, self.capacity
        given, taken = (each.get(_labels(self.series)) for each in self.flows)
        stored = min(1.0, max(0.0, self.charge)) * capacity
        return Battery(
            options.name,
            stored,
            capacity,
            max(options.reserve, min(habits.reserve, stored / capacity)),
            options.max_charge_watts or inf,
            options.max_discharge_watts or inf,
            None if given is None else given - (taken or 0.0),
            habits.drawn,
            habits.kept,
        )


class _Lately:
    """The mean of what was drawn in the last minutes."""

    def __init__(self) -> None:
        self._seen = deque[tuple[float, float]]()

    def mean(self, now: float, watts: float) -> float:
        """With what is drawn now."""
        self._seen.append((now, watts))
        while not now - LATELY < self._seen[0][0] <= now:
            self._seen.popleft()
        return fmean(watts for _, watts in self._seen)


class Batteries:
    """Finds batteries among what is published and computes their charge ahead; remembers the courses of forecasts."""

    def __init__(self, config: Config) -> None:
        self._zone = config.zone
        self._options = [(each, Selector.parse(each.charge)) for each in config.batteries]
        self._charge = TopicSelector("charge", of="battery")
        self._capacity = TopicSelector("capacity", of="battery")
        self._solar = TopicSelector("power", of="solar")
        self._given = TopicSelector("discharge_power", of="battery")
        self._taken = TopicSelector("charge_power", of="battery")
        self._courses: dict[tuple[str, str | None], NetCourses] = {}
        self._lately = defaultdict[str, _Lately](_Lately)
        self.habits: Mapping[str, Habits] = {}
        self.watched: tuple[Watched, ...] = ()

    def publish(
        self, out: Readings, published: Sequence[Published], series: Mapping[str, SeriesState], now: float
    ) -> tuple[Outlook, ...]:
        """Publish and return the outlook of each battery; without forecasts, only how long it lasts at this draw."""
        outlooks, watched = [], []
        for found in self._found(published):
            habits = self.habits.get(found.options.name, Habits())
            battery = found.battery(habits)
            load, solar = found.options.load, found.options.solar
            net = self._net(series, load, solar)
            drawn = self._drawn(published, series[load].spec, now) if load in series else None
            days = habits.days.courses(now, net.end, drawn, self._zone) if habits.days and net else ()
            ahead = look_ahead(battery, net, now, end_of_night(now, self._zone), days) if net else None
            _publish(out, battery, ahead)
            outlooks.append(Outlook(battery, ahead or Ahead()))
            if net:
                charge = Selector.parse(found.series.text)
                sun = series[solar].spec if solar else None
                watched.append(Watched(battery.name, charge, battery.capacity, series[load].spec, sun))
        self.watched = tuple(watched)
        return tuple(outlooks)

    def _found(self, published: Sequence[Published]) -> Iterator[_Found]:
        capacities = _by_labels(self._capacity.select(published))
        flows = _by_labels(self._given.select(published)), _by_labels(self._taken.select(published))
        if not self._options:
            solar = _by_labels(self._solar.select(published))
            for each, charge in self._charge.select(published):
                capacity = capacities.get(_labels(each))
                if capacity and _labels(each) in solar:
                    yield _Found(BatteryOptions(name=_slug(each), charge=each.name), each, charge, capacity, flows)
        for options, selector in self._options:
            for each, charge in list(selector.select(published))[:1]:
                capacity = options.capacity_joules or capacities.get(_labels(each))
                if capacity:
                    yield _Found(options, each, charge, capacity, flows)

    def _drawn(self, published: Sequence[Published], load: Spec, now: float) -> float | None:
        """The watts of a load in the last minutes; None where they are not published."""
        found = list(load.selector.select(published))
        if not found or any(each.is_counter for each, _ in found):
            return None
        watts = sum(value for _, value in found) / (len(found) if load.kind == "mean" else 1)
        return self._lately[load.name].mean(now, watts)

    def _net(self, series: Mapping[str, SeriesState], load: str, solar: str | None) -> NetCourses | None:
        """The courses of the forecasts that there are; None where one is missing."""
        known = series[load].known if load in series else None
        sun = series[solar].known if solar and solar in series else None
        if known is None or (solar and sun is None):
            return None
        needed = known.trained, sun.trained if sun else None
        kept = self._courses.get((load, solar))
        if kept is None or not kept.is_of(*needed):
            kept = self._courses[load, solar] = NetCourses(*needed)
        return kept


def _publish(out: Readings, battery: Battery, ahead: Ahead | None) -> None:
    if battery.runtime is not None:
        out.add(metrics.RUNTIME, battery.runtime, battery=battery.name)
    if ahead is None:
        return
    for metric, times in ((metrics.TIME_TO_EMPTY, ahead.empty), (metrics.TIME_TO_FULL, ahead.full)):
        for quantile, seconds in times.items():
            out.add(metric, seconds, battery=battery.name, quantile=f"{quantile:g}")
    for metric, likeliest in (
        (metrics.LIKELIEST_TIME_TO_EMPTY, ahead.likeliest_empty),
        (metrics.LIKELIEST_TIME_TO_FULL, ahead.likeliest_full),
    ):
        if likeliest is not None:
            out.add(metric, likeliest, battery=battery.name)
    out.add(metrics.EMPTY_RISK, ahead.empty_risk, battery=battery.name)


def _by_labels(found: Iterator[tuple[Series, float]]) -> dict[object, float]:
    return {_labels(series): value for series, value in found}


def _labels(series: Series) -> object:
    return frozenset(series.labels.items())


def _slug(series: Series) -> str:
    """A name of a battery that fits a label and a path."""
    text = series.labels.get("name") or series.labels.get("device") or series.source
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:64] or "battery"
