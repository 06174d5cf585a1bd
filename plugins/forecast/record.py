"""Forecasts that were shown earlier, beside what came true, and how good they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from collector_core import Field, Options
from collector_plugins.forecast.messages import Number, Numbers, Trained
from collector_plugins.forecast.series import TimeSeries

HOUR, DAY, WEEK = 3600.0, 86_400.0, 7 * 86_400.0
MOST_KEPT = 120
MOST_STEPS = 96  # of one earlier forecast: of a longer one, every n-th
SCORED = 30 * DAY
ENOUGH = 24  # pairs, below which a score says nothing


class Earlier(Options):
    """What was forecast at `start`: the middle, and the interval of a level from `low` to `high`, every `step`."""

    start: Number
    step: Number = Field(gt=0)
    level: float
    low: Numbers
    middle: Numbers
    high: Numbers


class Truth(NamedTuple):
    """What came true at a time, beside what had been forecast."""

    time: float
    value: float | None
    low: float
    middle: float
    high: float


class Score(NamedTuple):
    """How good forecasts were: `mase` is their mean absolute error over that of repeating the last week (or day),
    `coverage` how often the interval of `level` held; None where too little has come true.
    """

    mase: float | None
    coverage: float | None
    level: float


def kept_forecasts(earlier: Sequence[Earlier], trained: Trained, horizon: float) -> list[Earlier]:
    """The forecasts of the last 30 days with this one, unless one was kept only shortly before."""
    start = trained.start
    kept = [each for each in earlier if start - SCORED - horizon <= each.start < start]  # the clock may have been set
    if kept and start - kept[-1].start < max(horizon / 4, 6 * HOUR):
        return kept
    return [*kept, _thinned(trained, horizon)][-MOST_KEPT:]


def truths(earlier: Sequence[Earlier], past: TimeSeries, since: float) -> list[Truth]:
    """For each time since then the forecast that was made last before it, and what came true."""
    found: dict[float, Truth] = {}
    for each in earlier:
        for number, time in _times(each):
            if since <= time < past.end:
                value = _at(past, time)
                found[time] = Truth(time, value, each.low[number], each.middle[number], each.high[number])
    return [found[time] for time in sorted(found)]


def score(earlier: Sequence[Earlier], past: TimeSeries) -> Score:
    """The score of the forecasts of the last 30 days."""
    errors = naive = 0.0
    compared = held = count = 0
    for each in earlier:
        for number, time in _times(each):
            value = _at(past, time)
            if value is None or time < past.end - SCORED:
                continue
            count += 1
            held += each.low[number] <= value <= each.high[number]
            last = _last_season(past, each.start, time)
            if last is not None:
                errors += abs(value - each.middle[number])
                naive += abs(value - last)
                compared += 1
    level = earlier[-1].level if earlier else 0.0
    mase = errors / naive if compared >= ENOUGH and naive else None
    return Score(mase, held / count if count >= ENOUGH else None, level)


def _thinned(trained: Trained, horizon: float) -> Earlier:
    steps = max(1, round(horizon / trained.step))
    every = -(-steps // MOST_STEPS)
    low, high = min(trained.quantiles), max(trained.quantiles)
    middle = min(trained.quantiles, key=lambda quantile: abs(quantile - 0.5))
    lines = {
        name: [_rounded(value) for value in trained.quantiles[quantile][:steps:every]]
        for name, quantile in (("low", low), ("middle", middle), ("high", high))
    }
    return Earlier(start=trained.start, step=trained.step * every, level=round(high - low, 6), **lines)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _times(earlier: Earlier) -> Iterator[tuple[int, float]]:
    return ((number, earlier.start + number * earlier.step) for number in range(len(earlier.middle)))


def _last_season(past: TimeSeries, origin: float, time: float) -> float | None:
    """What repeating the last week before the forecast would have said, or the last day where that is not known."""
    for season in (WEEK, DAY):
        back = season * ((time - origin) // season + 1)
        if (value := _at(past, time - back)) is not None:
            return value
    return None


def _at(past: TimeSeries, time: float) -> float | None:
    place = round((time - past.start) / past.step)
    return past.values[place] if 0 <= place < len(past.values) else None
