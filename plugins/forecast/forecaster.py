"""Forecasts a series: `forecast` is all that the collector, the API and the command need."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec

from collector_plugins.forecast.gaps import fill_gaps
from collector_plugins.forecast.outcome import Outcome
from collector_plugins.forecast.seasons import DAY, Seasons, find_seasons
from collector_plugins.forecast.series import TimeSeries, TooShort

DEFAULT_QUANTILES = (0.1, 0.5, 0.9)
COMBINATION = "combination"
FEWEST = 8
LONGEST_HORIZON = 4
"""How many times as long as the series a horizon may be."""
MEMORY = 70 * DAY
MOST_ROWS = 70


@dataclass(frozen=True)
class Forecast:
    """What comes next, every `step` seconds since `start`, with the record of who forecasts it.

    `quantiles` has one list per asked quantile. `mase` is the mean absolute error of each model on earlier parts of
    this very series, over that of repeating the last season: below 1 is better. `coverage` is how often the interval
    of a level, e.g. 0.8, held the value there. Both are empty where the series is too short to try.
    """

    start: float
    step: float
    quantiles: Mapping[float, list[float]]
    model: str
    weights: Mapping[str, float] = field(default_factory=dict)
    mase: Mapping[str, float] = field(default_factory=dict)
    coverage: Mapping[float, float] = field(default_factory=dict)
    seconds: float = 0.0


def forecast(
    series: TimeSeries,
    horizon_steps: int,
    quantiles: Sequence[float] = DEFAULT_QUANTILES,
    model: str = COMBINATION,
    covariates: Mapping[str, TimeSeries] | None = None,
) -> Forecast:
    """Forecast the next `horizon_steps` steps.

    `covariates` are series that are known beyond the end of this one, such as weather forecasts or published prices.
    Raises `TooShort` where the series has too few values, and `ValueError` for a model or a quantile that there is not.
    """
    del covariates
    started = time.process_time()
    check(series, horizon_steps, quantiles)
    day = round(DAY / series.step)
    values = _remembered(series)
    filled = fill_gaps(values, day)
    known = [value is not None for value in values]
    seasons = find_seasons(filled, series.step, horizon_steps)
    outcome = _way()(filled, known, seasons, horizon_steps, quantiles, model)
    return Forecast(
        series.end,
        series.step,
        {quantile: list(path) for quantile, path in outcome.quantiles.items()},
        outcome.model,
        outcome.weights,
        outcome.mase,
        outcome.coverage,
        time.process_time() - started,
    )


def check(series: TimeSeries, horizon_steps: int, quantiles: Sequence[float]) -> None:
    """Raise what `forecast` would, before any work."""
    if horizon_steps < 1:
        raise ValueError("the horizon is shorter than one step")
    if not quantiles or not all(0 < quantile < 1 for quantile in quantiles):
        raise ValueError("quantiles lie between 0 and 1")
    if series.known < FEWEST:
        raise TooShort(f"{series.known} values are too few", fix=f"at least {FEWEST}")
    fewest = -(-horizon_steps // LONGEST_HORIZON)
    if len(series.values) < fewest:
        detail = f"{len(series.values)} steps are too few to forecast {horizon_steps}"
        raise TooShort(detail, fix=f"at least {fewest} steps, or a horizon of {LONGEST_HORIZON * len(series.values)}")


def _remembered(series: TimeSeries) -> Sequence[float | None]:
    """The last weeks, from the first known value on: what is older says little, and costs as much."""
    row = DAY if series.step <= DAY / 4 else 7 * series.step
    values = series.values[-max(round(MOST_ROWS * row / series.step), FEWEST) :]
    first = next((place for place, value in enumerate(values) if value is not None), 0)
    last = max((place for place, value in enumerate(values) if value is not None), default=0)
    del last
    return values[first:]


Way = Callable[[Sequence[float], Sequence[bool], Seasons, int, Sequence[float], str], Outcome]


def _way() -> Way:
    """With numpy where it is installed."""
    name = "numeric.forecasting" if find_spec("numpy") else "pure"
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    way: Way = import_module(f"collector_plugins.forecast.{name}").forecast_values
    return way
