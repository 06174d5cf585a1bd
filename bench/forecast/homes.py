"""Simulated homes with panels and a battery: habits, appliances by chance, clouds; all follows from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from math import exp, pi, sin
from random import Random
from typing import NamedTuple

HOUR, DAY, STEP = 3600.0, 86_400.0, 300.0
STEPS_A_DAY = 288
MONDAY = 1_780_272_000.0
"""2026-06-01 00:00 UTC"""
KWH = 3.6e6
SUNRISE, SUNSET = 6.5, 19.5
FRIDGE_WATTS, FRIDGE_SECONDS, FRIDGE_ON = 80.0, 2700.0, 0.4

Run = tuple[float, float] | None
"""From which hour of the day to which an appliance runs, if it does."""


@dataclass(frozen=True)
class Appliance:
    """Runs for about so many minutes at about this hour, on a share of working days and of weekend days."""

    watts: float
    minutes: float
    hour: float
    spread: float
    working_days: float
    weekends: float

    def draw(self, day: int, random: Random) -> Run:
        """Whether and when it runs that day."""
        if random.random() >= (self.weekends if is_weekend(day) else self.working_days):
            return None
        start = random.gauss(self.hour, self.spread)
        return start, start + self.minutes / 60 * random.uniform(0.75, 1.25)

    def draw_after(self, day: int, hour: float, random: Random) -> Run:
        """The same where it is known that it has not begun until then."""
        while (run := self.draw(day, random)) and run[0] <= hour:
            pass
        return run


@dataclass(frozen=True)
class Household:
    """Watts: what is always on, what people use while they are up, and what is added in the evening.

    `spread` is that of the hours at which they get up and go to bed, `unrest` that of what they use from day to day.
    """

    name: str
    always: float
    people: float
    evening: float
    spread: float
    unrest: float
    appliances: Sequence[Appliance]
    capacity: float
    most_watts: float
    panels: float
    reserve: float = 0.1
    efficiency: float = 0.95

    def bed_time(self, day: int, random: Random) -> float:
        """An hour later on Friday and Saturday."""
        return random.gauss(23.75 if day % 7 in {4, 5} else 22.75, self.spread)

    def plan(self, day: int, sky_before: float, random: Random) -> Plan:
        """What a day will be."""
        up = random.gauss(8.25, 2 * self.spread) if is_weekend(day) else random.gauss(6.75, self.spread)
        sky = 0.7 + 0.5 * (sky_before - 0.7) + random.gauss(0, 0.2)
        runs = [each.draw(day, random) for each in self.appliances]
        use = exp(random.gauss(0, self.unrest))
        return Plan(up, self.bed_time(day, random), use, min(1.0, max(0.1, sky)), runs)


class Plan(NamedTuple):
    """A day: hours, what people use relative to the usual, how clear the sky is (0 to 1), when appliances run."""

    up: float
    bed: float
    use: float
    sky: float
    runs: Sequence[Run]


class Moment(NamedTuple):
    """The means of a step: watts, and the charge (0 to 1)."""

    load: float
    solar: float
    charge: float


def is_weekend(day: int) -> bool:
    """Whether a day, counted from `MONDAY`, is Saturday or Sunday."""
    return day % 7 >= 5


class Home:
    """A household as it goes on, step after step."""

    def __init__(self, household: Household, seed: int) -> None:
        self.household = household
        self._random = Random(seed)
        self.step = 0
        self.charge = 0.5
        self._noise = self._cloud = 0.0
        self._fridge = self._random.random()
        self._plans = {-1: household.plan(-1, 0.7, self._random)}

    @property
    def is_empty(self) -> bool:
        """Whether the battery gives no more."""
        return self.charge <= self.household.reserve

    def go_on(self) -> Moment:
        """Live through the next step."""
        household = self.household
        day, place = divmod(self.step, STEPS_A_DAY)
        hour = place * STEP / HOUR
        load, solar, before = self._load(day, hour), self._solar(day, hour), self.charge
        net = load - solar
        watts = min(net, household.most_watts) / household.efficiency
        if net < 0:
            watts = max(net, -household.most_watts) * household.efficiency
        self.charge = min(1.0, max(household.reserve, self.charge - watts * STEP / household.capacity))
        self.step += 1
        return Moment(load, solar, (before + self.charge) / 2)

    def with_other_luck(self, random: Random) -> Home:
        """The same home from now on: what has begun goes on, what has not is drawn anew."""
        other = copy(self)
        other._random = random
        day, place = divmod(self.step, STEPS_A_DAY)
        other._plans = {
            each: self._drawn_anew(plan, each, place * STEP / HOUR + 24 * (day - each), random)
            for each, plan in self._plans.items()
        }
        return other

    def _drawn_anew(self, plan: Plan, day: int, hour: float, random: Random) -> Plan:
        pairs = zip(self.household.appliances, plan.runs, strict=True)
        runs = [run if run and run[0] <= hour else each.draw_after(day, hour, random) for each, run in pairs]
        bed = plan.bed
        if bed > hour:
            drawn = (self.household.bed_time(day, random) for _ in range(1000))
            bed = next((each for each in drawn if each > hour), bed)
        return plan._replace(bed=bed, runs=runs)

    def _plan(self, day: int) -> Plan:
        if day not in self._plans:
            self._plans = {day - 1: self._plans[day - 1]}
            self._plans[day] = self.household.plan(day, self._plans[day - 1].sky, self._random)
        return self._plans[day]

    def _load(self, day: int, hour: float) -> float:
        random, today = self._random, self._plan(day)
        self._noise = 0.85 * self._noise + 0.15 * random.gauss(0, 1)
        self._fridge = (self._fridge + STEP / (FRIDGE_SECONDS * exp(random.gauss(0, 0.1)))) % 1
        load = self.household.always + FRIDGE_WATTS * (self._fridge < FRIDGE_ON)
        if today.up <= hour < today.bed or hour + 24 < self._plans[day - 1].bed:
            load += self._people(day, hour) * today.use * exp(0.5 * self._noise)
        return load + self._running(today, hour) + self._running(self._plans[day - 1], hour + 24)

    def _people(self, day: int, hour: float) -> float:
        is_at_work = not is_weekend(day) and 8.25 < hour < 16.5
        is_evening = hour > 17.5 or hour < 6
        return self.household.people * (0.3 if is_at_work else 1.0) + self.household.evening * is_evening

    def _running(self, plan: Plan, hour: float) -> float:
        """The watts of appliances, of those that begin or end within the step their share of it."""
        length = STEP / HOUR
        return sum(
            each.watts * max(0.0, min(run[1], hour + length) - max(run[0], hour)) / length
            for each, run in zip(self.household.appliances, plan.runs, strict=True)
            if run
        )

    def _solar(self, day: int, hour: float) -> float:
        self._cloud = 0.9 * self._cloud + 0.1 * self._random.gauss(0, 1)
        height = sin(pi * (hour - SUNRISE) / (SUNSET - SUNRISE)) if SUNRISE < hour < SUNSET else 0.0
        return self.household.panels * height**1.3 * min(1.0, max(0.05, self._plan(day).sky + 0.6 * self._cloud))


COUPLE_HAS = (
    Appliance(1800, 5, 7.0, 0.2, 0.95, 0.95),  # kettle
    Appliance(1600, 35, 18.75, 0.35, 0.85, 0.85),  # dinner
    Appliance(900, 60, 20.25, 0.4, 0.4, 0.5),  # dishwasher
    Appliance(700, 90, 10.5, 1.0, 0.0, 0.6),  # washing
    Appliance(1500, 30, 12.75, 0.4, 0.1, 0.7),  # lunch
)
FAMILY_HAS = (
    Appliance(1800, 5, 6.75, 0.3, 0.95, 0.95),
    Appliance(2200, 45, 18.5, 0.6, 0.9, 0.8),
    Appliance(900, 75, 20.5, 0.8, 0.8, 0.9),
    Appliance(700, 90, 16.5, 3.0, 0.4, 0.8),
    Appliance(1200, 60, 19.5, 1.5, 0.3, 0.3),  # dryer
    Appliance(1800, 5, 21.0, 0.7, 0.6, 0.6),  # tea
    Appliance(1500, 40, 12.75, 0.5, 0.3, 0.8),
)
HOUSEHOLDS = (
    Household("couple with servers", 480, 90, 260, 0.25, 0.1, COUPLE_HAS, 10 * KWH, 2500, 6000),
    Household("couple", 230, 90, 260, 0.25, 0.1, COUPLE_HAS, 5 * KWH, 2500, 3000),
    Household("family", 160, 150, 380, 0.4, 0.2, FAMILY_HAS, 7.5 * KWH, 3600, 5000),
)
