"""Brings columns from outside onto the steps of a series and its horizon."""

from __future__ import annotations

from collections.abc import Iterable

from collector_plugins.forecast.gaps import fill_gaps
from collector_plugins.forecast.series import TimeSeries

FEWEST_KNOWN = 0.8


def aligned(covariates: Iterable[TimeSeries], series: TimeSeries, horizon_steps: int) -> list[list[float]]:
    """Their values at each step of the series and the horizon; those that are not known to its end are left out."""
    steps = len(series.values) + horizon_steps
    found = []
    for covariate in covariates:
        values = [_at(covariate, series.start + place * series.step) for place in range(steps)]
        known = sum(value is not None for value in values)
        if known >= FEWEST_KNOWN * steps and values[-1] is not None:
            found.append(fill_gaps(values, round(86_400 / series.step)))
    return found


def prices_by_step(prices: TimeSeries, series: TimeSeries, horizon_steps: int) -> list[float] | None:
    """The price at each step of the series and the horizon, as a day before where it is not known; None if it mostly is
    not.
    """
    steps = len(series.values) + horizon_steps
    values = [_at(prices, series.start + place * series.step) for place in range(steps)]
    known = sum(value is not None for value in values)
    return fill_gaps(values, round(86_400 / series.step)) if known >= FEWEST_KNOWN * steps else None


def _at(covariate: TimeSeries, time: float) -> float | None:
    place = int((time - covariate.start) // covariate.step)
    return covariate.values[place] if 0 <= place < len(covariate.values) else None
