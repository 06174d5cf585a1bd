"""Which models compete for a series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from collector_plugins.forecast.numeric import profiles
from collector_plugins.forecast.numeric.frame import Array, Frame
from collector_plugins.forecast.numeric.outside import with_outside
from collector_plugins.forecast.numeric.regressions import autoregression, corrected
from collector_plugins.forecast.numeric.shape import shaped_days
from collector_plugins.forecast.numeric.similar import similar_days, similar_hours

Model = Callable[[Frame], Array]

SEASONAL_NAIVE = "seasonal_naive"
NAIVE = "naive"

SEASONAL: dict[str, Model] = {
    SEASONAL_NAIVE: profiles.last_week,
    "yesterday": profiles.last_day,
    "median_weeks": profiles.median_of_weeks,
    "median_days": profiles.median_of_days,
    "weighted_week": profiles.weighted_week,
    "slow_week": profiles.slow_week,
    "moved_week": profiles.moved_week,
    "shaped_days": shaped_days,
    "shares": profiles.shares_of_best,
    "similar_hours": similar_hours,
    "similar_days": similar_days,
    "autoregression": autoregression,
    "corrected_week": partial(corrected, model=profiles.weighted_week),
    "corrected_days": partial(corrected, model=shaped_days),
    "corrected_shares": partial(corrected, model=profiles.shares_of_best),
    NAIVE: profiles.last_value,
}


def drift(frame: Frame) -> Array:
    """The last value goes on rising or falling as the series did."""
    span = np.minimum(frame.ends, 4 * frame.horizon)
    last = frame.values[frame.ends - 1]
    slope = (last - frame.values[frame.ends - span]) / np.maximum(span - 1, 1)
    path: Array = last[:, None] + slope[:, None] * np.arange(1, frame.horizon + 1)
    return path


def smoothed(frame: Frame) -> Array:
    """The level of the last values, where each counts three quarters of the one after it."""
    values, known = frame.before(1, 16)
    weights = 0.75 ** np.arange(16) * known
    level = (values[:, :, 0] * weights).sum(axis=1) / weights.sum(axis=1)
    return np.repeat(level[:, None], frame.horizon, axis=1)


def median(frame: Frame) -> Array:
    """The median of up to two hundred values: what is usual where a series jumps between a few levels."""
    values, known = frame.before(1, 200)
    middle = [np.median(row[has]) for row, has in zip(values[:, :, 0], known, strict=True)]
    return np.repeat(np.array(middle)[:, None], frame.horizon, axis=1)


PLAIN: dict[str, Model] = {
    NAIVE: profiles.last_value,
    "drift": drift,
    "smoothed": smoothed,
    "median": median,
    "mean": profiles.mean_of_days,
    "autoregression": autoregression,
}


def competing(frame: Frame, outside: Sequence[Sequence[float]] = ()) -> dict[str, Model]:
    """The models for this series: all kinds where days do not repeat; without a week some would be the same twice."""
    if not frame.of_days:
        return PLAIN
    if outside and frame.seasonal:
        return competing(frame) | {"with_covariates": partial(with_outside, outside=np.asarray(outside))}
    if frame.week == frame.day:
        return {name: model for name, model in SEASONAL.items() if name not in {"yesterday", "median_weeks"}}
    return SEASONAL if frame.seasonal else SEASONAL | PLAIN
