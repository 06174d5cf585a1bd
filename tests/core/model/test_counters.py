"""WrapCounter against a simulated true counter, and against nonsense."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector_core import WrapCounter
from collector_core.model.counters import BURST, JUMP, SHORTEST_ALLOWANCE_SECONDS

RANGE = 262_143_328_850  # microjoules: 2^32 steps of 61 µJ, the most common RAPL counter
RATE = 180e6  # microjoules per second at 180 W
BOUND = RANGE / 2 / RATE  # seconds after which half the range may have passed

steps = st.lists(st.tuples(st.floats(0, 0.999), st.floats(0, 1)), max_size=30)
numbers = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.integers(0, RANGE))


@given(st.integers(1000, 2**63), st.floats(0.5, 1e10), st.floats(0, 1), steps)
def test_total_is_the_truth_for_any_range_rate_and_sampling_below_the_gap_bound(maximum, rate, start, steps):
    counter, true, now = WrapCounter(maximum, rate), int(start * (maximum - 1)), 0.0
    first = true
    counter.update(true % maximum, now)
    for part_of_bound, load in steps:
        elapsed = part_of_bound * maximum / 2 / rate
        now_before, now = now, now + elapsed
        true += math.floor(rate * (now - now_before) * load * 0.999)
        counter.update(true % maximum, now)
    assert counter.total == true - first
    assert counter.unknown_gaps == 0


@given(st.sampled_from([None, RANGE, 65_712_999_613, 1]), st.lists(st.tuples(numbers, st.floats(0, 1e6)), max_size=30))
@example(None, [(0, 0.0), (2**69, 0.0)])
def test_nonsense_never_lowers_the_total_nor_adds_the_impossible(maximum, readings):
    counter, now, accepted_at = WrapCounter(maximum, RATE), 0.0, 0.0
    for raw, elapsed in readings:
        now, before = now + elapsed, counter.total
        try:
            counter.update(raw, now)
        except ValueError:
            assert counter.total == before
            continue
        possible = JUMP * RATE * max(now - accepted_at, SHORTEST_ALLOWANCE_SECONDS)
        accepted_at = now
        assert 0 <= counter.total - before <= min(possible, math.inf if maximum is None else maximum / 2)
        assert math.isfinite(counter.total)


@pytest.mark.parametrize("before", [RANGE - 1, RANGE - 1_000_000, RANGE - 179_000_000, RANGE])
@pytest.mark.parametrize("after", [0, 1, 1_000_000])
def test_a_wrap_adds_what_was_left_and_what_came(before, after):
    counter = WrapCounter(RANGE, RATE)
    counter.update(before, 0.0)
    assert counter.update(after, 1.0) == RANGE - before + after
    assert (counter.total, counter.unknown_gaps) == (RANGE - before + after, 0)


def test_the_first_reading_is_a_baseline():
    counter = WrapCounter(RANGE, RATE)
    assert counter.update(123_456, 5.0) is None
    assert (counter.total, counter.unknown_gaps) == (0, 0)


def test_a_burst_over_the_wrap_still_counts_but_a_reset_does_not():
    most = RATE * BURST
    for growth, expected in ((most, most), (most + 2, None)):
        counter = WrapCounter(RANGE, RATE)
        counter.update(RANGE - 1000, 0.0)
        assert counter.update(growth - 1000, 1.0) == expected
        assert counter.unknown_gaps == (expected is None)


def test_after_a_reset_counting_goes_on():
    counter = WrapCounter(RANGE, RATE)
    counter.update(RANGE // 2, 0.0)
    assert counter.update(5, 1.0) is None
    assert counter.update(105, 2.0) == 100
    assert (counter.total, counter.unknown_gaps) == (100, 1)


def test_a_rise_ten_times_over_the_rating_counts_and_one_a_hundred_times_does_not():
    counter = WrapCounter(RANGE, RATE)
    counter.update(0, 0.0)
    assert counter.update(RATE * 10, 1.0) == RATE * 10
    assert counter.update(RATE * 10 + RATE * JUMP + 1, 2.0) is None
    assert counter.unknown_gaps == 1


def test_a_flash_of_zero_adds_nothing():
    counter = WrapCounter(RANGE, RATE)
    for second, raw in enumerate([100_000_000_000, 0, 100_000_000_100, 100_000_000_200]):
        counter.update(raw, float(second))
    assert (counter.total, counter.unknown_gaps) == (100, 2)


@pytest.mark.parametrize(("elapsed", "gaps"), [(BOUND * 0.999, 0), (BOUND * 1.001, 1), (BOUND * 100, 1)])
def test_when_half_the_range_may_have_passed_the_growth_is_unknown(elapsed, gaps):
    counter = WrapCounter(RANGE, RATE)
    counter.update(1000, 0.0)
    counter.update(2000, elapsed)
    assert counter.unknown_gaps == gaps
    assert counter.total == (0 if gaps else 1000)


@pytest.mark.parametrize("raw", [801, 200])
def test_a_move_of_more_than_half_a_small_range_is_unknown_either_way(raw):
    counter = WrapCounter(1000, 100)
    counter.update(300, 0.0)
    assert counter.update(raw, 1.0) is None
    assert (counter.total, counter.unknown_gaps) == (0, 1)


def test_without_a_maximum_rises_count_and_falls_are_gaps():
    counter = WrapCounter(None, RATE)
    for second, raw in enumerate([100, 300, 50, 60]):
        counter.update(raw, float(second))
    assert (counter.total, counter.unknown_gaps) == (210, 1)


def test_readings_at_the_same_instant_count_what_came_between():
    counter = WrapCounter(RANGE, RATE)
    counter.update(100, 7.0)
    assert counter.update(300, 7.0) == 200


@pytest.mark.parametrize("raw", [-1, RANGE + 1, math.nan, math.inf, -math.inf])
def test_an_impossible_reading_changes_nothing(raw):
    counter = WrapCounter(RANGE, RATE)
    counter.update(100, 0.0)
    with pytest.raises(ValueError, match="counter reads"):
        counter.update(raw, 1.0)
    assert counter.update(300, 2.0) == 200
    assert counter.unknown_gaps == 0


@pytest.mark.parametrize(("raw", "maximum"), [(-1, None), (math.nan, None), (math.inf, None)])
def test_without_a_maximum_impossible_readings_are_refused_too(raw, maximum):
    with pytest.raises(ValueError, match="outside 0 to inf"):
        WrapCounter(maximum, RATE).update(raw, 0.0)


def test_a_source_that_went_away_leaves_one_gap_and_a_fresh_baseline():
    counter = WrapCounter(RANGE, RATE)
    counter.forget()
    assert counter.unknown_gaps == 0
    counter.update(100, 0.0)
    counter.update(150, 1.0)
    counter.forget()
    counter.forget()
    assert counter.update(170, 2.0) is None
    assert counter.update(175, 3.0) == 5
    assert (counter.total, counter.unknown_gaps) == (55, 1)


@pytest.mark.parametrize(
    ("maximum", "rate"), [(0, 1), (-5, 1), (math.nan, 1), (math.inf, 1), (5, 0), (5, math.nan), (5, math.inf)]
)
def test_a_counter_needs_a_positive_range_and_rate(maximum, rate):
    with pytest.raises(ValueError, match="must be a positive number"):
        WrapCounter(maximum, rate)


def test_microjoules_stay_exact_for_years():
    counter = WrapCounter(None, 1e18)
    counter.update(0, 0.0)
    counter.update(2**60, 1.0)
    counter.update(2**60 + 1, 2.0)
    assert counter.total == 2**60 + 1
