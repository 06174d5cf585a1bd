"""Plugins find the forecaster by its entry point, without knowing which plugin it is."""

import sys

import pytest

from collector_core import NotAvailable, find_forecaster, forecasting
from collector_core.installed import EntryPoint

DAY = 86_400.0
POINTS = [(hour * 3600.0, float(hour % 24)) for hour in range(21 * 24)]


def test_the_bundled_forecaster_forecasts_points():
    found = find_forecaster()(POINTS, DAY)
    assert found.step == 3600.0
    assert set(found.points) == {0.1, 0.5, 0.9}
    assert [time for time, _ in found.points[0.5]] == [POINTS[-1][0] + 3600.0 * (1 + number) for number in range(24)]


def test_too_few_points_are_refused_with_what_is_missing():
    with pytest.raises(NotAvailable) as refused:
        find_forecaster()(POINTS[:1], DAY)
    assert refused.value.fix


def test_a_horizon_that_is_not_possible_is_refused():
    for horizon in (0.0, -1.0, float("nan"), 1e12):
        with pytest.raises(ValueError, match="horizon"):
            find_forecaster()(POINTS, horizon)


def test_without_a_forecaster_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(forecasting, "entry_points", lambda _: ())
    with pytest.raises(NotAvailable, match="no plugin forecasts"):
        find_forecaster()


def test_a_forecaster_that_cannot_be_loaded_is_named(monkeypatch):
    broken = EntryPoint("broken", "no_such_module:forecast", forecasting.FORECASTERS)
    monkeypatch.setattr(forecasting, "entry_points", lambda _: (broken,))
    with pytest.raises(NotAvailable, match="broken cannot be loaded"):
        find_forecaster()
    assert "no_such_module" not in sys.modules
