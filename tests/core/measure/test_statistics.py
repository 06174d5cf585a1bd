"""Statistics of repeated measurements."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.measure.statistics import Statistics, student_t, summarize


@pytest.mark.parametrize(
    ("degrees", "t"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (30, 2.042), (1000, 1.962)],
)
def test_quantiles_are_those_of_the_tables(degrees, t):
    assert student_t(degrees) == pytest.approx(t, abs=0.0006)


def test_another_confidence_has_another_quantile():
    assert student_t(4, 0.99) == pytest.approx(4.604, abs=0.0006)


def test_the_interval_is_around_the_mean():
    found = summarize([9.0, 10.0, 11.0, 10.0, 10.0])
    assert (found.count, found.mean, found.minimum, found.maximum) == (5, 10.0, 9.0, 11.0)
    assert found.deviation == pytest.approx(0.70711, abs=1e-5)
    assert found.margin == pytest.approx(2.776 * 0.70711 / 5**0.5, abs=1e-3)
    assert found.interval == (10.0 - found.margin, 10.0 + found.margin)


def test_one_value_has_no_deviation_and_none_no_summary():
    assert summarize([3.0]) == Statistics(1, 3.0, 3.0, 3.0, None, None)
    with pytest.raises(ValueError, match="no values"):
        summarize([])


@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=50))
def test_whatever_is_measured_the_mean_lies_within(values):
    found = summarize(values)
    assert found.minimum <= found.mean * (1 + 1e-9) + 1e-9
    assert found.mean <= found.maximum * (1 + 1e-9) + 1e-9
    assert found.deviation == pytest.approx(statistics.stdev(values))
    assert found.margin >= 0
