"""Quantiles of a histogram are those that Prometheus finds."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector_plugins.inference.histogram import quantile

BUCKETS = {0.1: 10.0, 0.5: 30.0, 1.0: 40.0, inf: 50.0}


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        (0.1, 0.05),  # rank 5 of 10 in the first bucket, which begins at 0
        (0.2, 0.1),  # rank 10: the first bucket's bound
        (0.4, 0.3),  # rank 20: half of the second bucket
        (0.7, 0.75),  # rank 35: half of the third
        (0.8, 1.0),
        (0.99, 1.0),  # beyond the highest finite bound
    ],
)
def test_it_is_interpolated_within_its_bucket(q, expected):
    assert quantile(q, BUCKETS) == pytest.approx(expected)


@pytest.mark.parametrize(
    "buckets", [{}, {inf: 5.0}, {0.1: 1.0, 0.5: 3.0}, {0.1: 0.0, inf: 0.0}], ids=["none", "one", "no end", "empty"]
)
def test_it_is_absent_where_there_is_nothing_to_tell(buckets):
    assert quantile(0.95, buckets) is None


def test_a_first_bucket_at_or_below_zero_has_its_bound():
    assert quantile(0.5, {-1.0: 9.0, 1.0: 10.0, inf: 10.0}) == -1.0


def test_counts_of_processes_that_are_out_of_step_never_fall():
    assert quantile(0.9, {1.0: 10.0, 2.0: 9.0, inf: 10.0}) == pytest.approx(0.9)


SMALLEST = 5e-324


@example({1.0: 0.0, 2.0: SMALLEST}, 0.3, 0.9)
@example({0.1: SMALLEST, 0.7: 3 * SMALLEST}, 0.01, 0.99)
@example({0.001: 1.0, 0.7000000000000001: 2.0}, 0.5, 0.99)
@given(
    st.dictionaries(st.floats(0.001, 1000), st.floats(0, 1e6), min_size=1, max_size=20),
    st.floats(0.01, 0.99),
    st.floats(0.01, 0.99),
)
def test_it_is_between_the_bounds_and_grows_with_q(buckets, one, other):
    low, high = sorted((one, other))
    buckets = {**buckets, inf: max(buckets.values())}
    found = quantile(low, buckets), quantile(high, buckets)
    if buckets[inf] == 0:
        assert found == (None, None)
    else:
        assert 0 <= found[0] <= found[1] <= max(bound for bound in buckets if bound < inf)
