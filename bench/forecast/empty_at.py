"""Asks simulated homes in the evening and at night when their battery will be empty, as the plugin would answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC
from math import inf
from random import Random
from statistics import fmean, median
from typing import NamedTuple

from bench.figures import Figure, Goal, Table
from bench.forecast.homes import HOUR, HOUSEHOLDS, MONDAY, STEP, STEPS_A_DAY, Home, Household, Moment
from collector_plugins.forecast import past_days
from collector_plugins.forecast.battery import Battery, NetCourses, look_ahead
from collector_plugins.forecast.forecaster import forecast
from collector_plugins.forecast.habits import learn_habits
from collector_plugins.forecast.likeliest import likeliest
from collector_plugins.forecast.messages import Trained
from collector_plugins.forecast.past_days import PastDays
from collector_plugins.forecast.series import TimeSeries

DAYS = range(14, 28)
HOURS = (17, 19, 21, 23, 1, 3, 5)
MINUTES_LATER = 35
"""Asked between two trainings, as at most times."""
STEPS_AN_HOUR = int(HOUR / STEP)
LEARNT = 14 * STEPS_A_DAY
LATELY = 2
LONGEST = int(14 * HOUR / STEP)
NEARLY = 0.02
HALF_AN_HOUR = 1800.0
LUCKS = 60
FIRST_SEED = 1001
"""The constants of the plugin were chosen on homes with other seeds."""
HORIZON = 51
LEADS = ((0, 2), (2, 4), (4, 6), (6, 9), (9, 14))
FIGURED = (6, 14)
GOAL = Goal(0.8, 0.9, more=True)


class Answer(NamedTuple):
    """Seconds until a battery was empty; what was said: the likeliest, the median, and the 80 %; what the hourly
    forecasts alone say; the best guess of one who knows how the home works, and all that has begun.
    """

    true: float
    said: float
    median: float
    early: float
    late: float
    by_hours: float
    best: float


def measure_homes(homes: int) -> list[Figure | Table]:
    """Of so many homes of each household, how often the answer is right; by the time until the battery is empty."""
    lines: list[tuple[str | float, ...]] = []
    figures = list[Figure | Table]()
    for household in HOUSEHOLDS:
        print(f"asking: {household.name}", file=sys.stderr, flush=True)
        answers = [each for seed in range(homes) for each in ask(household, FIRST_SEED + seed)]
        figures += [_figure(household.name, _between(answers, 0, high), high) for high in FIGURED]
        lines += [_line(household.name, f"{low} to {high} h", _between(answers, low, high)) for low, high in LEADS]
        lines.append(_line(household.name, "all", answers))
    head = (
        "home",
        "empty in",
        "asked",
        "right",
        "by the median",
        "by forecasts alone",
        "best that can be",
        "80 % held",
        "error, minutes",
    )
    return [*figures, Table("battery", "When a battery is empty", head, [line for line in lines if line[2]])]


def _figure(home: str, answers: Sequence[Answer], within: float) -> Figure:
    title = f"Empty within {within} h, told to half an hour: {home}"
    return Figure("battery", title, "", [_right(answers)], [], GOAL, f"{len(answers)} times")


def _between(answers: Sequence[Answer], low: float, high: float) -> list[Answer]:
    return [each for each in answers if low * HOUR < each.true <= high * HOUR]


def _right(answers: Sequence[Answer], of: str = "said") -> float:
    return fmean(abs(getattr(each, of) - each.true) <= HALF_AN_HOUR for each in answers)


def _line(home: str, lead: str, answers: Sequence[Answer]) -> tuple[str | float, ...]:
    if not answers:
        return home, lead, 0
    shares = (f"{_right(answers, of):.0%}" for of in ("said", "median", "by_hours", "best"))
    held = fmean(each.early <= each.true <= each.late for each in answers)
    error = median(abs(each.said - each.true) for each in answers) / 60
    return home, lead, len(answers), *shares, f"{held:.0%}", round(error)


def ask(household: Household, seed: int) -> list[Answer]:
    """One home, after two weeks, for two weeks; whenever its battery is not empty and will be within 14 hours."""
    home = Home(household, seed)
    moments, asked = list[Moment](), list[Home]()
    while home.step < DAYS.stop * STEPS_A_DAY:
        if _is_asked(home):
            asked.append(deepcopy(home))
        moments.append(home.go_on())
    return [answer for each in asked if (answer := _answer(each, moments, seed))]


def _is_asked(home: Home) -> bool:
    day, place = divmod(home.step, STEPS_A_DAY)
    hour, later = divmod(place, STEPS_AN_HOUR)
    is_time = day in DAYS and hour in HOURS and later * STEP == MINUTES_LATER * 60
    return is_time and home.charge > home.household.reserve + NEARLY


def _answer(home: Home, moments: Sequence[Moment], seed: int) -> Answer | None:
    true = _lived(deepcopy(home))
    if true == inf:
        return None
    random = Random(seed * 100_000 + home.step)
    best = likeliest([_lived(home.with_other_luck(random)) for _ in range(LUCKS)], [1.0] * LUCKS)
    return Answer(true, *say(home.household, moments[: home.step], home.charge), best)


def _lived(home: Home) -> float:
    """Seconds until the battery of this home is empty, infinite beyond the longest; the home goes on until then."""
    for step in range(LONGEST):
        if home.is_empty:
            return step * STEP
        home.go_on()
    return inf


def say(household: Household, past: Sequence[Moment], charge: float) -> tuple[float, float, float, float, float]:
    """What the plugin says (likeliest, median, 80 %), and what the forecasts alone do; it has two weeks of that past.

    It is trained by the full hour, the days are read by the full quarter, and the draw is that of the last ten minutes.
    """
    now = MONDAY + len(past) * STEP
    hours = _means(past, STEPS_AN_HOUR)
    net = NetCourses(*(_trained([each[column] for each in hours], now // HOUR * HOUR) for column in (0, 1)))
    quarters = _means(past, int(past_days.STEP / STEP))
    days = PastDays(now // past_days.STEP * past_days.STEP, [e.load for e in quarters], [e.solar for e in quarters])
    learnt = learn_habits([e.charge for e in quarters], [e.load - e.solar for e in quarters], household.capacity)
    battery = Battery(
        "battery",
        charge * household.capacity,
        household.capacity,
        min(learnt.reserve, charge),
        drawn=learnt.drawn,
        kept=learnt.kept,
    )
    drawn = fmean(each.load for each in past[-LATELY:])
    said = look_ahead(battery, net, now, days=days.courses(now, net.end, drawn, UTC))
    by_hours = look_ahead(battery, net, now)
    early, middle, late = (said.empty.get(quantile, inf) for quantile in (0.1, 0.5, 0.9))
    return _or_never(said.likeliest_empty), middle, early, late, _or_never(by_hours.likeliest_empty)


def _or_never(seconds: float | None) -> float:
    return inf if seconds is None else seconds


def _means(past: Sequence[Moment], together: int) -> list[Moment]:
    """Of so many steps each, the last two weeks, up to the last whole one."""
    end = len(past) - len(past) % together
    groups = (past[place : place + together] for place in range(end - LEARNT, end, together))
    return [Moment(*map(fmean, zip(*group, strict=True))) for group in groups]


def _trained(values: Sequence[float], end: float) -> Trained:
    found = forecast(TimeSeries(end - len(values) * HOUR, HOUR, values), HORIZON)
    paths = {quantile: list(path) for quantile, path in found.quantiles.items()}
    return Trained(start=found.start, step=HOUR, quantiles=paths, model=found.model, minimum=0.0)
