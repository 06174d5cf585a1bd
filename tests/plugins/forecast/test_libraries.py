"""Models of libraries: how their regressions are fed, and the libraries themselves where they are installed."""

from importlib.util import find_spec

import numpy as np
import pytest

from collector_plugins.forecast.forecaster import forecast
from collector_plugins.forecast.numeric.frame import Frame
from collector_plugins.forecast.numeric.libraries import LIBRARIES, _by_lags
from tests.plugins.forecast.series_made import daily


class LeastSquares:
    """A regression without a library."""

    def fit(self, rows, values):
        self._weights = np.linalg.lstsq(np.column_stack([rows, np.ones(len(rows))]), values, rcond=None)[0]
        return self

    def predict(self, rows):
        return np.column_stack([rows, np.ones(len(rows))]) @ self._weights


def test_a_regression_on_lags_is_fed_what_it_said_and_nothing_later():
    values = np.sin(np.arange(24 * 40) * 2 * np.pi / 24) + 3
    frame = Frame(values, np.array([40, 38]), 24, 168, 48)
    paths = _by_lags(frame, LeastSquares)
    expected = np.sin((frame.ends[:, None] + np.arange(48)) * 2 * np.pi / 24) + 3
    assert paths == pytest.approx(expected, abs=1e-6)
    changed = np.concatenate([values[: frame.ends[1]], values[frame.ends[1] :] * 7])
    later = _by_lags(Frame(changed, frame.rows, 24, 168, 48), LeastSquares)
    assert later[1] == pytest.approx(paths[1])


@pytest.mark.parametrize("name", [name for name, each in LIBRARIES.items() if find_spec(each.module.split(".")[0])])
def test_a_library_forecasts_with_its_record(name):
    found = forecast(daily(21), 24, model=name)
    assert found.model == name
    assert found.weights == {name: 1.0}
    assert set(found.coverage) == {0.8, 0.95}
