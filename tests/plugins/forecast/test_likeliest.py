"""The likeliest of many times: where most of them lie, never between heaps, never where none can be."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.forecast.battery import Battery, NetCourses, look_ahead
from collector_plugins.forecast.likeliest import STEP, likeliest
from collector_plugins.forecast.messages import Trained
from collector_plugins.forecast.past_days import Course
from collector_plugins.forecast.scenarios import quantiles_of

HOUR = 3600.0
KWH = 3.6e6

TIMES = st.lists(st.tuples(st.floats(0, 14 * HOUR) | st.just(inf), st.floats(0.01, 1)), min_size=1, max_size=30)


def forecast(*watts):
    return NetCourses(Trained(start=0.0, step=HOUR, quantiles={0.5: list(watts)}, model="x", minimum=0.0), None)


def emptied_after(hours, weight=1.0, of=4 * KWH):
    """A day on which a battery that holds so much is empty after so many hours."""
    return Course(weight, [(HOUR, of / HOUR / hours)] * 24)


def evening(*hours, battery=None):
    """Of a battery whose past days went on so, while forecasts say that it lasts."""
    return look_ahead(battery or Battery("b", 4 * KWH, 10 * KWH), forecast(*[10.0] * 24), 0.0, days=hours)


def test_with_dinner_or_without_it_is_one_of_both_and_never_the_empty_middle():
    with_dinner, without = [4.0, 4.2, 4.4, 4.1, 4.3, 4.2], [8.0, 8.1, 8.2, 8.3, 8.2]
    times = [hours * HOUR for hours in (*with_dinner, *without)]
    assert likeliest(times, [1.0] * len(times)) == pytest.approx(4.2 * HOUR, abs=STEP)
    assert likeliest(times, [*[1.0] * 6, *[2.0] * 5]) == pytest.approx(8.2 * HOUR, abs=STEP)


def test_the_median_may_be_where_no_day_ended_and_the_likeliest_is_not():
    hours = (3.0, 3.1, 3.2, 3.1, 6.0, 8.8, 9.2, 9.6)
    ahead = evening(*(emptied_after(each) for each in hours))
    assert ahead.likeliest_empty == pytest.approx(3.1 * HOUR, abs=STEP)
    assert ahead.empty[0.5] > 5 * HOUR


def test_one_time_is_itself_to_the_second():
    assert likeliest([4321.0], [0.3]) == 4321.0
    assert likeliest([0.0], [1.0]) == 0.0


def test_what_is_sure_is_said_as_it_is_whatever_the_step():
    ahead = look_ahead(Battery("b", 2.17 * KWH, 10 * KWH), forecast(*[500.0] * 24), 0.0)
    assert ahead.likeliest_empty == ahead.empty[0.5] == pytest.approx(4.34 * HOUR)
    assert ahead.likeliest_full is None


def test_of_equals_it_is_the_earliest():
    assert likeliest([8 * HOUR, 2 * HOUR], [1.0, 1.0]) == 2 * HOUR


def test_an_hour_away_says_nothing_and_less_the_further_it_is():
    assert likeliest([0.0, 1.5 * HOUR, 2.4 * HOUR], [1.0, 0.9, 0.9]) == pytest.approx(1.95 * HOUR, abs=STEP)
    assert likeliest([0.0, 1.5 * HOUR, 3 * HOUR], [1.0, 0.9, 0.9]) == 0.0


def test_where_half_lasts_there_is_no_time_and_where_less_than_half_does_there_is():
    assert likeliest([HOUR, inf], [1.0, 1.0]) == inf
    assert likeliest([HOUR, inf], [1.1, 1.0]) == HOUR
    days = [emptied_after(4)] * 5
    assert evening(*days, *[emptied_after(100)] * 3).likeliest_empty is None
    assert evening(*days, *[emptied_after(100)]).likeliest_empty == pytest.approx(4 * HOUR, abs=STEP)
    assert evening(*days, *[emptied_after(100)] * 3).empty.keys() == {0.1}


def test_a_small_heap_ahead_of_all_others_does_not_stand_for_them():
    """Each alone is near nobody, but nine in ten are later."""
    ahead = evening(emptied_after(0.5, 0.2), *(emptied_after(hours, 0.1) for hours in range(2, 18)))
    assert ahead.empty[0.1] == ahead.likeliest_empty == pytest.approx(2 * HOUR)


def test_a_battery_that_is_empty_or_full_is_so_now():
    assert evening(battery=Battery("b", 0.0, 10 * KWH)).likeliest_empty == 0.0
    assert evening(battery=Battery("b", 10 * KWH, 10 * KWH)).likeliest_full == 0.0


@given(TIMES)
def test_it_is_never_before_the_first_nor_after_the_last_and_is_there_where_the_median_is(found):
    times, weights = zip(*found, strict=True)
    said = likeliest(times, weights)
    if said == inf:
        assert sum(weight for time, weight in found if time < inf) <= 0.5 * sum(weights) * (1 + 1e-9)
    else:
        assert quantiles_of(times, [0.5 - 1e-9], weights)[0.5 - 1e-9] < inf
        known = [time for time in times if time < inf]
        assert min(known) <= said <= max(known)
