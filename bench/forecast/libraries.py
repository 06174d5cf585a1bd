"""Well-known libraries, set up as their manuals say for hourly series; each is used only where it is installed."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, NamedTuple

Forecaster = Callable[[Sequence[float], int], Sequence[float]]
LAGS = (1, 2, 3, 22, 23, 24, 25, 26, 48, 72, 144, 167, 168, 169)


class Library(NamedTuple):
    """A library with the package that it comes in, and how it forecasts the next hours."""

    name: str
    package: str
    forecast: Forecaster

    @property
    def version(self) -> str:
        """Of the installed package."""
        return version(self.package)


def installed() -> list[Library]:
    """Those that there are."""
    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)  # cmdstanpy announces every fit
    return [each for each in _ALL if find_spec(each.package)]


def _mstl(past: Sequence[float], horizon: int) -> Sequence[float]:
    import numpy as np
    from statsforecast.models import MSTL, AutoETS

    model = MSTL(season_length=[24, 168], trend_forecaster=AutoETS(model="ZZN"))
    found: Sequence[float] = model.forecast(y=np.asarray(past), h=horizon)["mean"].tolist()
    return found


def _table(past: Sequence[float], horizon: int) -> Any:
    pandas = importlib.import_module("pandas")
    times = pandas.date_range("2024-01-01", periods=len(past) + horizon, freq="h")
    return pandas.DataFrame({"ds": times, "hour": times.hour, "weekday": times.dayofweek})


def _lightgbm(past: Sequence[float], horizon: int) -> Sequence[float]:
    """Trees on lags and the calendar, its forecasts fed back, hour after hour."""
    import numpy as np
    from lightgbm import LGBMRegressor

    values, calendar = list(past), _table(past, horizon)[["hour", "weekday"]].to_numpy()
    rows = np.array([[values[at - lag] for lag in LAGS] for at in range(LAGS[-1], len(past))])
    model = LGBMRegressor(objective="l1", n_estimators=150, learning_rate=0.08, num_leaves=31, verbose=-1, n_jobs=1)
    model.fit(np.hstack([rows, calendar[LAGS[-1] : len(past)]]), np.array(past[LAGS[-1] :]))
    for at in range(len(past), len(past) + horizon):
        row = [*(values[at - lag] for lag in LAGS), *calendar[at]]
        values.append(float(model.booster_.predict(np.array([row]))[0]))
    return values[len(past) :]


def _skforecast(past: Sequence[float], horizon: int) -> Sequence[float]:
    import pandas as pd
    from skforecast.recursive import ForecasterRecursive
    from sklearn.linear_model import Ridge

    table = _table(past, horizon)
    known = pd.get_dummies(table[["hour", "weekday"]].astype("category")).astype(float)
    known.index = table.index = pd.date_range("2024-01-01", periods=len(table), freq="h")
    forecaster = ForecasterRecursive(estimator=Ridge(), lags=list(LAGS))
    forecaster.fit(y=pd.Series(past, index=table.index[: len(past)]), exog=known.iloc[: len(past)])
    found: Sequence[float] = forecaster.predict(steps=horizon, exog=known.iloc[len(past) :]).tolist()
    return found


def _prophet(past: Sequence[float], horizon: int) -> Sequence[float]:
    from prophet import Prophet

    table = _table(past, horizon)
    model = Prophet(daily_seasonality=12, weekly_seasonality=10, yearly_seasonality=False, uncertainty_samples=0)
    model.fit(table[: len(past)].assign(y=list(past))[["ds", "y"]])
    found: Sequence[float] = model.predict(table[len(past) :])["yhat"].tolist()
    return found


_ALL = (
    Library("statsforecast MSTL + ETS", "statsforecast", _mstl),
    Library("LightGBM", "lightgbm", _lightgbm),
    Library("skforecast Ridge", "skforecast", _skforecast),
    Library("Prophet", "prophet", _prophet),
)
