"""Brings columns from outside onto the steps of a series and its horizon."""

from __future__ import annotations

from collections.abc import Iterable

from collector_plugins.forecast.gaps import fill_gaps
from collector_plugins.forecast.series import TimeSeries

FEWEST_KNOWN = 0.8


def aligned(covariates: Iterable[TimeSeries], series: TimeSeries, horizon_steps: int) -> list[list[float]]:
    """Their values at each step of the series and the horizon; those that are not known to its end are left out."""
    last = _middle(series, len(series.values) + horizon_steps - 1)
    columns = (by_step(each, series, horizon_steps) for each in covariates if _at(each, last) is not None)
    return [column for column in columns if column is not None]


def by_step(covariate: TimeSeries, series: TimeSeries, horizon_steps: int) -> list[float] | None:
    """Its value amid each step of the series and the horizon, gaps filled; None where it is mostly not known.

    Steps of both that begin seconds apart belong together, whichever begins first.
    """
    steps = len(series.values) + horizon_steps
    values = [_at(covariate, _middle(series, place)) for place in range(steps)]
    known = sum(value is not None for value in values)
    return fill_gaps(values, round(86_400 / series.step)) if known >= FEWEST_KNOWN * steps else None


def _middle(series: TimeSeries, place: int) -> float:
    return series.start + (place + 0.5) * series.step


def _at(covariate: TimeSeries, time: float) -> float | None:
    place = int((time - covariate.start) // covariate.step)
    return covariate.values[place] if 0 <= place < len(covariate.values) else None
