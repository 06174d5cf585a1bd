"""Backtests fit once for each time in the past, and say of each model what it would have said alone."""

import pytest

from collector_plugins.forecast import backtest as module
from collector_plugins.forecast import forecaster
from collector_plugins.forecast.backtest import QUANTILES, Score, backtest, naive_error
from collector_plugins.forecast.forecaster import forecast
from collector_plugins.forecast.series import TimeSeries
from tests.plugins.forecast.series_made import HOUR, START, daily


def counter():
    total, values = 0.0, []
    for value in daily(42).values:
        total += value
        values.append(total)
    return TimeSeries(START, HOUR, values)


@pytest.mark.parametrize("series", [daily(42), daily(4, step=300.0), counter()], ids=["hours", "means", "counter"])
def test_each_model_scores_as_it_would_alone(way, series):
    last = len(series.values) - 24
    [*found] = backtest(series, 24, origins=1)
    start = min(round(56 * 86_400 / series.step), round(len(series.values) * 0.5))
    training = TimeSeries(series.start, series.step, series.values[:start])
    assert start < last
    for score in found:
        alone = Score(score.model)
        said = forecast(training, 24, QUANTILES, score.model)
        alone.add(said, series.values[start : start + 24], naive_error(training))
        assert (score.errors, score.inside) == (alone.errors, alone.inside)


def test_all_models_are_fitted_once_for_each_time(way, monkeypatch):
    fits = []
    monkeypatch.setattr(module, "fit", lambda *args: fits.append(args) or forecaster.fit(*args))
    assert len(backtest(daily(42), 24, origins=3)) > 3
    assert len(fits) == 3


def test_models_that_are_asked_for_are_listed_once_and_alone(way):
    found = backtest(daily(42), 24, origins=2, models=["median_days", "combination", "median_days"])
    assert {score.model for score in found} == {"median_days", "combination"}
    assert [len(score.errors) for score in found] == [2, 2]


def test_a_model_that_there_is_at_some_times_only_is_left_out(way):
    series = daily(24)  # of the first half there is no week yet
    assert "yesterday" in forecast(series, 24).competitors
    models = [score.model for score in backtest(series, 24, origins=2)]
    assert "yesterday" not in models
    assert "median_days" in models


def test_what_one_model_says_changes_nothing_for_the_others(way):
    fitted = forecaster.fit(daily(42), 24)
    first = {name: fitted(name).quantiles for name in ("combination", "median_days", "seasonal_naive")}
    assert {name: fitted(name).quantiles for name in reversed(first)} == first
