"""The forecaster as other plugins ask for it: `collector_core.find_forecaster`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from collector_core import ForecastedSeries
from collector_plugins.forecast.forecaster import DEFAULT_QUANTILES, forecast
from collector_plugins.forecast.outcome import COMBINATION
from collector_plugins.forecast.series import regular

MOST_STEPS = 10_000


def forecast_points(
    points: Iterable[tuple[float, float]],
    horizon: float,
    *,
    step: float | None = None,
    quantiles: Sequence[float] = DEFAULT_QUANTILES,
    model: str = "",
    seasonalities: Sequence[float] = (),
) -> ForecastedSeries:
    """Forecast a series from its points; as `collector_core.Forecaster` says."""
    series = regular(points, step)
    if not 0 < horizon <= MOST_STEPS * series.step:
        raise ValueError(
            f"a horizon of {horizon:g} s is not possible: 1 to {MOST_STEPS} steps of {series.step:g} s are"
        )
    steps = ceil(horizon / series.step)
    found = forecast(series, steps, quantiles, model or COMBINATION, seasonalities=seasonalities)
    times = [found.start + found.step * number for number in range(steps)]
    paths = {quantile: list(zip(times, values, strict=True)) for quantile, values in found.quantiles.items()}
    return ForecastedSeries(found.step, paths, found.model, dict(found.mase), dict(found.coverage))
