"""What is shown does not lose to repeating the last season or value, on series that are not as in a textbook."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import pi, sin

import pytest

from collector_plugins.forecast.forecaster import forecast
from collector_plugins.forecast.gaps import fill_gaps
from collector_plugins.forecast.series import TimeSeries

MONDAY = 1_767_571_200.0
HOUR, DAY = 3600.0, 86_400.0
Maker = Callable[[random.Random], list[float | None]]


def _day(step: int, steps_a_day: int = 24) -> float:
    return 100 + 40 * sin(2 * pi * step / steps_a_day)


def _noisy(count: int, steps_a_day: int = 24, *, rise: float = 0.0) -> Maker:
    return lambda rng: [_day(at, steps_a_day) + rise * at + rng.gauss(0, 8) for at in range(count)]


def _intermittent(rng: random.Random) -> list[float | None]:
    return [rng.uniform(500, 3000) if rng.random() < 0.06 else 0.0 for _ in range(24 * 42)]


def _level_shift(rng: random.Random) -> list[float | None]:
    return [_day(at) + (250 if at > 24 * 24 else 0) + rng.gauss(0, 8) for at in range(24 * 42)]


def _with_gaps(rng: random.Random) -> list[float | None]:
    lost = {at for start in rng.sample(range(24 * 42), 20) for at in range(start, start + rng.randrange(1, 30))}
    return [None if at in lost else _day(at) + rng.gauss(0, 8) for at in range(24 * 42)]


def _negative_prices(rng: random.Random) -> list[float | None]:
    return [_day(at) - 100 + rng.gauss(0, 15) - 60 * (10 <= at % 24 <= 14 and at // 24 % 7 > 4) for at in range(1008)]


def _outliers(rng: random.Random) -> list[float | None]:
    return [_day(at) + rng.gauss(0, 8) + (1e5 if rng.random() < 0.004 else 0) for at in range(24 * 42)]


def _walk(rng: random.Random) -> list[float | None]:
    values = [500.0]
    for _ in range(24 * 42):
        values.append(values[-1] + rng.gauss(0, 3))
    return list(values)


def _states(rng: random.Random) -> list[float | None]:
    busy, values = False, list[float | None]()
    for _ in range(24 * 42):
        busy = rng.random() < (0.88 if busy else 0.05)
        values.append((350 if busy else 55) + rng.gauss(0, 8))
    return values


CASES: dict[str, tuple[Maker, float, int, int]] = {
    "hourly, three days": (_noisy(24 * 5), HOUR, 12, 24),
    "hourly, two weeks": (_noisy(24 * 14), HOUR, 24, 24),
    "30 points": (_noisy(42), HOUR, 6, 1),
    "quarters of an hour": (_noisy(96 * 10, 96), 900.0, 96, 96),
    "minutes": (_noisy(1440 * 5, 1440), 60.0, 360, 1440),
    "daily": (_noisy(140, 7), DAY, 14, 7),
    "trend": (_noisy(24 * 42, rise=0.2), HOUR, 48, 168),
    "intermittent": (_intermittent, HOUR, 24, 1),
    "level shift": (_level_shift, HOUR, 48, 168),
    "gaps": (_with_gaps, HOUR, 24, 168),
    "negative prices": (_negative_prices, HOUR, 24, 168),
    "outliers": (_outliers, HOUR, 24, 168),
    "random walk": (_walk, HOUR, 24, 1),
    "states": (_states, HOUR, 24, 1),
    "monthly": (_noisy(120, 12), 30 * DAY, 6, 1),
}
"""How it is made, its step, the horizon, and after how many steps the naive forecast repeats what was."""
ORIGINS = 8
BY_LUCK = {"states": 1.05}
"""Where hardly anything beats the naive forecast, what is tried may lose a little to it."""


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("way")
def test_what_is_shown_does_not_lose_to_the_naive_forecast(case):
    make, step, horizon, season = CASES[case]
    values = make(random.Random(11))
    ours = naive = 0.0
    for back in range(ORIGINS):
        end = len(values) - horizon - back * max(1, len(values) // 40)
        said = forecast(TimeSeries(MONDAY, step, values[:end]), horizon).quantiles[0.5]
        filled = fill_gaps(values[:end], season)
        repeated = [filled[end - season + at % season] for at in range(horizon)]
        for value, model, last in zip(values[end : end + horizon], said, repeated, strict=True):
            if value is not None:
                ours += abs(model - value)
                naive += abs(last - value)
    assert ours <= BY_LUCK.get(case, 1.0) * naive


@pytest.mark.parametrize("value", [0.0, 7.25, -3.0])
def test_what_is_constant_stays(value):
    found = forecast(TimeSeries(MONDAY, HOUR, [value] * 24 * 42), 48)
    assert all(each == pytest.approx([value] * 48) for each in found.quantiles.values())
