"""How a plugin has a series forecast by whichever plugin can: asked for by name, so that neither imports the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from collector_core.errors import NotAvailable, Reason, describe
from collector_core.installed import entry_points

FORECASTERS = "collector_core.forecasters"
"""The group of entry points in which a plugin offers its forecaster."""


@dataclass(frozen=True)
class ForecastedSeries:
    """What comes next: for each quantile (0 to 1) pairs of Unix seconds and value, every `step` seconds.

    `mase` is the error of each model on earlier parts of the series over that of repeating the last season, below 1 is
    better; `coverage` is how often the interval of a level, e.g. 0.8, held the value there. Both are empty where the
    series is too short to try.
    """

    step: float
    points: Mapping[float, Sequence[tuple[float, float]]]
    model: str
    mase: Mapping[str, float] = field(default_factory=dict)
    coverage: Mapping[float, float] = field(default_factory=dict)


class Forecaster(Protocol):
    """Forecasts a series from its points, pairs of Unix seconds and value in any order, `horizon` seconds ahead.

    `step` in seconds is by default the usual distance of the points; `model` by default what does best;
    `seasonalities` in seconds by default what the series shows. Takes up to some tenths of a second of CPU time, so
    call it on no event loop. Raises `NotAvailable` where the points are too few, with what is missing as the fix, and
    `ValueError` for a horizon, step, quantile, model or seasonality that is not possible.
    """

    def __call__(
        self,
        points: Iterable[tuple[float, float]],
        horizon: float,
        *,
        step: float | None = None,
        quantiles: Sequence[float] = (0.1, 0.5, 0.9),
        model: str = "",
        seasonalities: Sequence[float] = (),
    ) -> ForecastedSeries:
        """Forecast the series."""


def find_forecaster() -> Forecaster:
    """The forecaster of an installed plugin; raises `NotAvailable` where there is none, or it cannot be loaded."""
    offered = sorted(entry_points(FORECASTERS), key=lambda point: point.name)
    if not offered:
        raise NotAvailable(Reason.NOT_FOUND, "no plugin forecasts", fix="pip install 'energy-collector[forecast]'")
    try:
        return cast("Forecaster", offered[0].load())
    except Exception as error:
        raise NotAvailable(
            Reason.NOT_SUPPORTED, f"the forecaster {offered[0].name} cannot be loaded: {describe(error)}"
        ) from error
