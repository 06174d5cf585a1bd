"""Forecasts a series: `forecast` is all that the collector, the API and the command need."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from importlib import import_module
from importlib.util import find_spec

from collector_plugins.forecast.coarse import column_means, fine_paths, means, steps_taken_together
from collector_plugins.forecast.counting import counted, growth, is_counter
from collector_plugins.forecast.covariates import aligned
from collector_plugins.forecast.gaps import fill_gaps
from collector_plugins.forecast.local_time import local_clock
from collector_plugins.forecast.outcome import COMBINATION, Outcome, Outcomes, limits
from collector_plugins.forecast.outliers import held
from collector_plugins.forecast.periods import datetime_of, duration_text
from collector_plugins.forecast.seasons import DAY, Seasons, find_seasons, stated_seasons
from collector_plugins.forecast.series import TimeSeries, TooShort

DEFAULT_QUANTILES = (0.1, 0.5, 0.9)
FEWEST = 8
LONGEST_HORIZON = 4
"""How many times as long as the series a horizon may be."""
MOST_ROWS = 70
MOST_STEPS = 10_080

Paths = Mapping[float, Sequence[float]]


@dataclass(frozen=True)
class Forecast:
    """What comes next, every `step` seconds since `start`, with the record of who forecasts it.

    `quantiles` has one list per asked quantile. `mase` is the mean absolute error of each model on earlier parts of
    this very series, over that of repeating the last season: below 1 is better. `coverage` is how often the interval
    of a level, e.g. 0.8, held the value there. Both are empty where the series is too short to try. `competitors` are
    the models that there are for this series, `seconds` the CPU time that it took.
    """

    start: float
    step: float
    quantiles: Mapping[float, list[float]]
    model: str
    weights: Mapping[str, float] = field(default_factory=dict)
    mase: Mapping[str, float] = field(default_factory=dict)
    coverage: Mapping[float, float] = field(default_factory=dict)
    seconds: float = 0.0
    competitors: tuple[str, ...] = ()


def forecast(
    series: TimeSeries,
    horizon_steps: int,
    quantiles: Sequence[float] = DEFAULT_QUANTILES,
    model: str = COMBINATION,
    covariates: Mapping[str, TimeSeries] | None = None,
    *,
    zone: tzinfo | None = UTC,
    holidays: Collection[str] = (),
    seasonalities: Sequence[float] = (),
) -> Forecast:
    """Forecast the next `horizon_steps` steps with one model; arguments and errors are those of `fit`."""
    fitted = fit(
        series, horizon_steps, quantiles, covariates, zone=zone, holidays=holidays, seasonalities=seasonalities
    )
    return fitted(model)


def fit(
    series: TimeSeries,
    horizon_steps: int,
    quantiles: Sequence[float] = DEFAULT_QUANTILES,
    covariates: Mapping[str, TimeSeries] | None = None,
    *,
    zone: tzinfo | None = UTC,
    holidays: Collection[str] = (),
    seasonalities: Sequence[float] = (),
) -> Callable[[str], Forecast]:
    """Fit all models at once; what is returned forecasts the next `horizon_steps` steps with the one that it is given.

    `covariates` are series that are known beyond the end of this one, such as weather forecasts or published prices;
    without numpy they are not used. Days are those of `zone`, of the machine's where that is None; `holidays` (`12-25`
    in every year, `2026-04-03` in one) are expected to be like Sundays. `seasonalities` in seconds
    are by default those of the calendar that the series has; what it is too short for is left out. A counter goes on
    growing. Raises `TooShort` where the series has too few values, and `ValueError` for a quantile or a seasonality
    that there is not; what is returned raises that for a model, and `NotAvailable` for one whose library is not
    installed.
    """
    started = time.process_time()
    recent = _remembered(series, horizon_steps)
    check(recent, horizon_steps, quantiles)
    clock = local_clock(recent, horizon_steps, zone, () if is_counter(recent.values) else holidays)
    values = clock.values(recent.values) if clock else recent.values
    horizon = clock.horizon if clock else horizon_steps
    outside = aligned((covariates or {}).values(), recent, horizon_steps)
    if clock:
        outside = [fill_gaps(clock.column(column), round(DAY / series.step)) for column in outside]
    outcomes = _outcomes(values, series.step, horizon, quantiles, outside, seasonalities)
    fitting = time.process_time() - started

    def with_model(model: str) -> Forecast:
        started = time.process_time()
        outcome = outcomes(model)
        paths = {each: clock.path(path) if clock else list(path) for each, path in outcome.quantiles.items()}
        return Forecast(
            series.end,
            series.step,
            paths,
            outcome.model,
            outcome.weights,
            outcome.mase,
            outcome.coverage,
            fitting + time.process_time() - started,
            outcome.competitors,
        )

    return with_model


def _outcomes(
    values: Sequence[float | None],
    step: float,
    horizon: int,
    quantiles: Collection[float],
    outside: Sequence[Sequence[float]],
    seasonalities: Sequence[float],
) -> Outcomes:
    if is_counter(values):
        later = [column[1:] for column in outside]
        grown = _outcomes(growth(values), step, horizon, {*quantiles, 0.5}, later, seasonalities)
        last = next(value for value in reversed(values) if value is not None)
        return _changed(grown, lambda paths: counted(paths, last))
    count = steps_taken_together(round(DAY / step), horizon)
    if count == 1:
        return _of_regular(values, step, horizon, quantiles, outside, seasonalities)
    outside = [column_means(column, len(values), count) for column in outside]
    coarse = _of_regular(
        means(values, count), step * count, -(-horizon // count), {*quantiles, 0.5}, outside, seasonalities
    )
    low, high = limits([value for value in values if value is not None])

    def fine(paths: Paths) -> Paths:
        found = fine_paths(paths, values, count, horizon)
        return {each: [min(max(value, low), high) for value in found[each]] for each in quantiles}

    return _changed(coarse, fine)


def _changed(outcomes: Outcomes, change: Callable[[Paths], Paths]) -> Outcomes:
    """The same with other paths."""

    def changed(model: str) -> Outcome:
        outcome = outcomes(model)
        return replace(outcome, quantiles=change(outcome.quantiles))

    return changed


def _of_regular(
    values: Sequence[float | None],
    step: float,
    horizon: int,
    quantiles: Collection[float],
    outside: Sequence[Sequence[float]],
    seasonalities: Sequence[float],
) -> Outcomes:
    filled = fill_gaps(values, round(DAY / step))
    known = [value is not None for value in values]
    found = stated_seasons(seasonalities, step, len(filled)) or find_seasons(filled, step, horizon)
    return _way()(filled, known, found, horizon, sorted(quantiles), outside)


def check(series: TimeSeries, horizon_steps: int, quantiles: Sequence[float]) -> None:
    """Raise what `forecast` would, before any work."""
    if horizon_steps < 1:
        raise ValueError("the horizon is shorter than one step")
    if not quantiles or not all(0 < quantile < 1 for quantile in quantiles):
        raise ValueError("quantiles lie between 0 and 1")
    step = duration_text(series.step)
    if series.known < FEWEST:
        end = datetime_of(series.end, UTC).date()
        raise TooShort(f"too few values: {series.known} until {end}", fix=f"at least {FEWEST} in steps of {step}")
    fewest = -(-horizon_steps // LONGEST_HORIZON)
    if len(series.values) < fewest:
        detail = f"{len(series.values)} steps of {step} are too few to forecast {horizon_steps}"
        longest = duration_text(LONGEST_HORIZON * len(series.values) * series.step)
        raise TooShort(detail, fix=f"at least {duration_text(fewest * series.step)}, or a horizon of {longest}")


def _remembered(series: TimeSeries, horizon_steps: int) -> TimeSeries:
    """The last weeks, from the first known value on: what is older says little, and costs as much."""
    row = DAY if series.step <= DAY / 4 else 7 * series.step
    together = steps_taken_together(round(DAY / series.step), horizon_steps)
    most = min(max(round(MOST_ROWS * row / series.step), FEWEST), MOST_STEPS * together)
    first = max(0, len(series.values) - most)
    while first < len(series.values) and series.values[first] is None:
        first += 1
    return TimeSeries(series.start + first * series.step, series.step, held(series.values[first:]))


Way = Callable[[Sequence[float], Sequence[bool], Seasons, int, Sequence[float], Sequence[Sequence[float]]], Outcomes]


def _way() -> Way:
    """With numpy where it is installed."""
    name = "numeric.forecasting" if find_spec("numpy") else "pure"
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    way: Way = import_module(f"collector_plugins.forecast.{name}").fit
    return way
