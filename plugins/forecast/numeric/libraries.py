"""Models of well-known libraries, for those who ask for one by name; each is imported only then, and is an extra."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from collector_core import NotAvailable, Reason
from collector_plugins.forecast.numeric.frame import Array, Frame

MOST_ENDS = 7
"""From how many ends these are tried: each fit takes a hundred times as long as one of the embedded models."""
HOURS = 24.0


class _Library(NamedTuple):
    module: str
    extra: str
    paths: Callable[[Any, Frame], Array]


def model_of(name: str) -> Callable[[Frame], Array] | None:
    """The model of a library; None where none is called so. Raises `NotAvailable` where it is not installed."""
    library = LIBRARIES.get(name)
    if library is None:
        return None
    for logger in ("cmdstanpy", "prophet.plot"):  # they announce every fit, and what Prophet does without
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    try:
        module = import_module(library.module)
    except ImportError as error:
        detail = f"the model {name} needs the package {error.name or library.module}"
        raise NotAvailable(Reason.NOT_FOUND, detail, fix=f"pip install 'energy-collector[{library.extra}]'") from error
    return lambda frame: library.paths(module, frame)


def _prophet(module: Any, frame: Frame) -> Array:
    """Prophet, with the seasons that the series has; a step is as long as makes a day of `frame.day` steps."""
    pandas = import_module("pandas")
    step = pandas.Timedelta(hours=HOURS / frame.day) if frame.seasonal else pandas.Timedelta(hours=1)
    times = pandas.date_range("2024-01-01", periods=len(frame.values) + frame.horizon, freq=step)
    paths = []
    for end in frame.ends:
        model = module.Prophet(
            daily_seasonality=min(12, frame.day // 2) if frame.seasonal else False,
            weekly_seasonality=10 if frame.week > frame.day else False,
            yearly_seasonality=False,
            uncertainty_samples=0,
        )
        model.fit(pandas.DataFrame({"ds": times[:end], "y": frame.values[:end]}))
        ahead = pandas.DataFrame({"ds": times[end : end + frame.horizon]})
        paths.append(model.predict(ahead)["yhat"].to_numpy())
    return np.array(paths)


def _lightgbm(module: Any, frame: Frame) -> Array:
    """Boosted trees on lags and the time, for the absolute error."""
    return _by_lags(
        frame,
        lambda: module.LGBMRegressor(
            objective="l1", n_estimators=150, learning_rate=0.08, num_leaves=31, verbose=-1, n_jobs=1
        ),
    )


def _scikit_learn(module: Any, frame: Frame) -> Array:
    """Ridge regression, likewise; scikit-learn's trees would take a minute."""
    return _by_lags(frame, module.Ridge)


def _by_lags(frame: Frame, make: Callable[[], Any]) -> Array:
    """Fits the next value to those before it, from each end, and feeds the forecasts back, all ends at once."""
    lags = _lags(frame)
    longest = int(lags.max())
    models = []
    for end in frame.ends:
        at = np.arange(longest, end)
        models.append(make().fit(_features(frame, frame.values[at[:, None] - lags], at), frame.values[at]))
    paths = np.empty((len(frame.ends), longest + frame.horizon))
    paths[:, :longest] = frame.values[(frame.ends - longest)[:, None] + np.arange(longest)]
    for step in range(frame.horizon):
        rows = _features(frame, paths[:, longest + step - lags], frame.ends + step)
        paths[:, longest + step] = [model.predict(row[None])[0] for model, row in zip(models, rows, strict=True)]
    return paths[:, longest:]


def _lags(frame: Frame) -> Any:
    day, week = (frame.day, frame.week) if frame.seasonal else (1, 1)
    lags = {1, 2, 3, day - 2, day - 1, day, day + 1, day + 2, 2 * day, 3 * day, week - day, week - 1, week, week + 1}
    return np.array(sorted(lag for lag in lags if 0 < lag <= max(1, int(frame.ends.min()) // 2)))


def _features(frame: Frame, lagged: Array, at: Any) -> Array:
    return np.hstack([lagged, np.stack([at % frame.day, at % frame.week // frame.day], axis=1)])


LIBRARIES = {
    "prophet": _Library("prophet", "forecast-prophet", _prophet),
    "lightgbm": _Library("lightgbm", "forecast-lightgbm", _lightgbm),
    "scikit-learn": _Library("sklearn.linear_model", "forecast-scikit-learn", _scikit_learn),
}
