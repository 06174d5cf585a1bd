"""PowerIntegral against known areas, gaps and nonsense."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import PowerIntegral

readings = st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 9.99)), min_size=1, max_size=30)


@given(readings)
def test_the_total_is_the_area_under_straight_lines(steps):
    integral, now, area, last = PowerIntegral(max_gap=10.0), 0.0, 0.0, None
    for watts, elapsed in steps:
        now += elapsed
        integral.update(watts, now)
        area += 0.0 if last is None else (watts + last[0]) / 2 * (now - last[1])
        last = watts, now
    assert integral.total == pytest.approx(area)
    assert integral.unknown_gaps == 0


def test_a_rising_power_counts_as_its_mean():
    integral = PowerIntegral(max_gap=10.0)
    assert integral.update(100, 0.0) is None
    assert integral.update(300, 5.0) == 1000
    assert integral.update(300, 6.0) == 300
    assert integral.total == 1300


def test_a_gap_is_counted_and_adds_nothing():
    integral = PowerIntegral(max_gap=10.0)
    integral.update(100, 0.0)
    assert integral.update(100, 10.001) is None
    assert integral.update(100, 11.001) == pytest.approx(100)
    assert (integral.total, integral.unknown_gaps) == (pytest.approx(100), 1)


def test_a_clock_that_runs_backwards_is_a_gap():
    integral = PowerIntegral(max_gap=10.0)
    integral.update(100, 5.0)
    assert integral.update(100, 4.0) is None
    assert (integral.total, integral.unknown_gaps) == (0, 1)


def test_after_the_source_was_away_nothing_is_added_for_the_time_between():
    integral = PowerIntegral(max_gap=10.0)
    integral.update(100, 0.0)
    integral.forget()
    integral.forget()
    assert integral.update(100, 1.0) is None
    assert (integral.total, integral.unknown_gaps) == (0, 1)


@pytest.mark.parametrize("watts", [-0.1, math.nan, math.inf, -math.inf])
def test_an_impossible_reading_changes_nothing(watts):
    integral = PowerIntegral(max_gap=10.0)
    integral.update(100, 0.0)
    with pytest.raises(ValueError, match="power reads"):
        integral.update(watts, 1.0)
    assert integral.update(100, 2.0) == 200
    assert integral.unknown_gaps == 0


@pytest.mark.parametrize("max_gap", [0, -1, math.nan, math.inf])
def test_the_longest_gap_must_be_a_positive_number(max_gap):
    with pytest.raises(ValueError, match="max_gap"):
        PowerIntegral(max_gap)


def test_a_power_that_no_device_draws_adds_nothing():
    integral = PowerIntegral(max_gap=10.0)
    for watts, now in ((300, 0.0), (4_294_967.295, 1.0), (300, 2.0)):
        with contextlib.suppress(ValueError):
            integral.update(watts, now)
    assert integral.total == 600


def test_a_power_above_the_devices_own_limit_adds_nothing():
    integral = PowerIntegral(max_gap=10.0, max_watts=450.0)
    integral.update(300, 0.0)
    with pytest.raises(ValueError, match="outside 0 to 450 W"):
        integral.update(451, 1.0)
    assert integral.update(300, 2.0) == 600
