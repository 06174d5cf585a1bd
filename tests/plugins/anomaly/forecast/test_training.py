"""Training: what it finds, what it refuses, and that it is as good as the release before with numpy and ONNX."""

import json
import math
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.anomaly.forecast import features
from collector_plugins.anomaly.forecast.linear_model import LinearModel
from collector_plugins.anomaly.forecast.training import FEWEST_ROWS, train_series

PREVIOUS_RELEASE = Path(__file__).parents[1] / "previous_release"
CPU = "system_cpu_usage_ratio"
ROW = 300.0
START = 1_700_006_400.0


def series_of(function, count=1000, row=ROW):
    return {START + row * number: function(number) for number in range(count)}


def predict(trained, last_rows, when):
    return LinearModel(ROW, {trained.series: trained.weights}).predict(
        {trained.series: features.feature_vector(last_rows, when)}
    )[trained.series]


def test_a_daily_wave_is_predicted_better_than_by_the_last_row(trained):
    assert trained.error < 0.8 * trained.naive_error
    assert trained.is_useful
    assert trained.rows == 2000 - features.LAGS


def test_it_is_as_good_as_the_release_before_to_the_sixth_digit(rows):
    """The predictions of the ONNX file that numpy and onnx made of the same rows."""
    before = json.loads((PREVIOUS_RELEASE / "predictions.json").read_text())
    found = [
        train_series(series, rows(before["rows"], seed), ROW)
        for series, seed in zip(before["series"], before["seeds"], strict=True)
    ]
    for asked in before["asked"]:
        predicted = [predict(one, last, asked["when"]) for one, last in zip(found, asked["last"], strict=True)]
        assert predicted == pytest.approx(asked["predicted"], abs=1e-6)
    assert [[one.error, one.naive_error] for one in found] == [
        pytest.approx(each, abs=1e-9) for each in before["errors"]
    ]


def test_what_repeats_every_12_rows_is_predicted_exactly():
    found = train_series("x", series_of(lambda number: float(number % 12)), ROW)
    last_rows = [float(number % 12) for number in range(1011, 999, -1)]
    assert predict(found, last_rows, START + 1012 * ROW) == pytest.approx(1012 % 12, abs=0.2)
    assert found.error < 0.2 < found.naive_error


def test_the_time_of_day_alone_is_learnt():
    found = train_series("x", series_of(lambda n: math.sin(2 * math.pi * (START + n * ROW) / 86_400), 3000), ROW)
    assert found.error < 1e-3


def test_the_error_is_that_of_rows_that_were_not_learnt():
    """The last fifth is another series altogether."""
    random = Random(1)
    found = train_series("x", series_of(lambda number: number % 2 if number < 800 else random.gauss(50, 10)), ROW)
    assert found.error > 5


def test_noise_is_not_useful_where_the_last_row_is_as_good():
    level = [0.0]
    random = Random(4)

    def walk(_):
        level[0] += random.gauss(0, 1)
        return level[0]

    found = train_series("x", series_of(walk, 800), ROW)
    assert found.is_useful is (found.error < found.naive_error)
    assert found.error == pytest.approx(found.naive_error, rel=0.2)


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e9])
def test_the_unit_does_not_matter(rows, factor):
    scaled = {time: value * factor for time, value in rows(800).items()}
    one, other = train_series("x", rows(800), ROW), train_series("x", scaled, ROW)
    assert other.error / factor == pytest.approx(one.error)
    assert other.weights[:12] == pytest.approx(one.weights[:12])


def test_a_constant_is_predicted_as_it_is():
    found = train_series("x", series_of(lambda _: 230.0), ROW)
    assert predict(found, [230.0] * 12, START) == pytest.approx(230.0)
    assert not found.is_useful


@pytest.mark.parametrize(
    ("count", "is_trained"), [(FEWEST_ROWS + 12, True), (FEWEST_ROWS + 11, False), (0, False), (1, False)]
)
def test_it_takes_500_rows_with_12_before_them(count, is_trained):
    assert bool(train_series("x", series_of(float, count), ROW)) is is_trained


def test_rows_after_a_gap_need_12_others_first():
    rows = series_of(float, 600)
    del rows[START + 300 * ROW]
    found = train_series("x", rows, ROW)
    assert found.rows == (300 - 12) + (299 - 12)


def test_rows_that_are_a_little_late_are_no_gap():
    rows = {
        time + (number % 2) * 0.4 * ROW: value for number, (time, value) in enumerate(series_of(float, 600).items())
    }
    assert train_series("x", rows, ROW).rows == 588


def test_the_order_in_which_rows_were_written_does_not_matter(rows):
    shuffled = list(rows(600).items())
    Random(1).shuffle(shuffled)
    assert train_series("x", dict(shuffled), ROW) == train_series("x", rows(600), ROW)


class TestFeatures:
    def test_the_last_rows_come_first_then_the_constant_then_waves(self):
        vector = features.feature_vector([float(number) for number in range(12)], START)
        assert len(vector) == features.COUNT == 19
        assert vector[:13] == [*map(float, range(12)), 1.0]
        assert vector[13:17] == [0.0, 1.0, 0.0, 1.0]  # midnight

    def test_waves_have_periods_of_a_day_half_a_day_and_a_week(self):
        def waves(when):
            return features.feature_vector([0.0] * 12, when)[13:]

        assert waves(START + 21_600)[:4] == pytest.approx([1.0, 0.0, 0.0, -1.0], abs=1e-9)
        assert waves(START + 86_400)[:4] == pytest.approx(waves(START)[:4], abs=1e-9)
        assert waves(START + 86_400)[4:] != pytest.approx(waves(START)[4:], abs=0.1)
        assert waves(START + 7 * 86_400) == pytest.approx(waves(START), abs=1e-9)

    @given(st.floats(0, 4e9))
    def test_waves_stay_between_minus_1_and_1(self, when):
        assert all(-1 <= wave <= 1 for wave in features.feature_vector([], when)[1:])
