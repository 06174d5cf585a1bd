"""WrapCounter against a simulated true counter, and against nonsense."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector_core import WrapCounter
from collector_core.model.counters import JUMP, PEAK, SHORTEST_ALLOWANCE_SECONDS, UNUSUAL

RANGE = 262_143_328_850  # microjoules: 2^32 steps of 61 µJ, the most common RAPL counter
RATE = 180e6  # microjoules per second at 180 W
BOUND = RANGE / 2 / RATE  # seconds after which half the range may have passed

steps = st.lists(st.tuples(st.floats(0, 0.999), st.floats(0, 1)), max_size=30)
numbers = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.integers(0, RANGE))


@given(st.integers(1000, 2**63), st.floats(0.5, 1e10), st.floats(0, 1), steps)
def test_total_is_the_truth_for_any_range_rate_and_sampling_below_the_gap_bound(maximum, rate, start, steps):
    counter, true, now = WrapCounter(maximum, rate, trusted_rate=rate / 1000), int(start * (maximum - 1)), 0.0
    first = true
    counter.update(true % maximum, now)
    for part_of_bound, load in [*steps, (0.001, 0.0)]:
        elapsed = part_of_bound * maximum / 2 / rate / 2
        now_before, now = now, now + elapsed
        true += math.floor(rate * (now - now_before) * load * 0.999)
        counter.update(true % maximum, now)
    assert counter.total == true - first
    assert counter.unknown_gaps == 0


@given(st.sampled_from([None, RANGE, 65_712_999_613, 1]), st.lists(st.tuples(numbers, st.floats(0, 1e6)), max_size=30))
@example(None, [(0, 0.0), (2**69, 0.0)])
def test_nonsense_never_lowers_the_total_nor_adds_the_impossible(maximum, readings):
    counter, now, believed_at = WrapCounter(maximum, RATE), 0.0, 0.0
    for raw, elapsed in readings:
        now, before = now + elapsed, counter.total
        try:
            counter.update(raw, now)
        except ValueError:
            assert counter.total == before
            continue
        possible = 2 * JUMP * RATE * max(now - believed_at, SHORTEST_ALLOWANCE_SECONDS)
        believed_at = counter.as_of
        assert 0 <= counter.total - before <= min(possible, math.inf if maximum is None else maximum)
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


def counted(raws, seconds=1.0, **options):
    counter = WrapCounter(**{"maximum": RANGE, "max_rate": RATE, "trusted_rate": 10e6} | options)
    totals = []
    for number, raw in enumerate(raws):
        counter.update(raw, number * seconds)
        totals.append(counter.total)
    assert totals == sorted(totals)
    return counter


def watts(*values, start=0):
    """Raw readings of a counter that draws so much, second by second."""
    raws = [start]
    for value in values:
        raws.append(raws[-1] + int(value * 1e6))
    return raws


@pytest.mark.parametrize("peak", [PEAK, PEAK + 0.001])
def test_a_peak_over_the_wrap_counts_but_a_reset_does_not(peak):
    start = RANGE - 1_000_000
    raws = [start - int(5e6), start, *[int(start + peak * RATE + extra) % RANGE for extra in (0, 5e6, 10e6)]]
    counter = counted(raws)
    is_peak = peak == PEAK
    assert counter.total == pytest.approx(5e6 + 10e6 + is_peak * PEAK * RATE)
    assert counter.unknown_gaps == (not is_peak)


def test_after_a_reset_counting_goes_on():
    counter = counted([RANGE // 2, 5, 105, 205])
    assert (counter.total, counter.unknown_gaps) == (200, 1)


@pytest.mark.parametrize("false", [700e6, 60e6, -694e6, -20_000e6, 100_000e6])
def test_a_reading_that_the_next_one_takes_back_never_counts(false):
    raws = watts(*[6] * 12, start=20_000_000_000)
    for place in (4, 7):
        raws[place] += int(false)
    counter = counted(raws)
    assert (counter.total, counter.unknown_gaps, counter.in_doubt) == (72e6, 0, False)


@pytest.mark.parametrize("false", [700e6, -694e6])
def test_two_readings_in_a_row_that_are_taken_back_never_count_either(false):
    raws = watts(*[6] * 12, start=20_000_000_000)
    for place in (5, 6):
        raws[place] += int(false)
    assert counted(raws, max_rate=54e6).total <= 72e6


def test_growth_that_was_believed_and_is_taken_back_is_made_up_for():
    raws = watts(*[6] * 15, start=20_000_000_000)
    raws[5] += 15_000_000
    counter = counted(raws)
    assert counter.total == 90e6


def test_a_leap_that_stood_for_a_while_is_made_up_for():
    raws = watts(*[6] * 40, start=20_000_000_000)
    raws[5:9] = [raw + 60_000_000 for raw in raws[5:9]]
    counter = counted(raws, max_rate=54e6)
    assert counter.total == 240e6


def test_a_counter_that_told_something_else_for_a_while_goes_on_where_it_was():
    raws = watts(*[6] * 12, start=20_000_000_000)
    raws[5], raws[6] = 1000, 6_001_000
    counter = counted(raws)
    assert (counter.total, counter.unknown_gaps) == (72e6, 1)


def test_a_source_forgotten_while_a_reading_waits_begins_anew():
    counter = counted([*watts(6, 6), 700_000_000])
    assert counter.in_doubt
    counter.forget()
    assert not counter.in_doubt
    assert [counter.update(raw, 10.0 + at) for at, raw in enumerate(watts(6, 6))] == [None, 6e6, 6e6]
    assert counter.total == 24e6


def test_no_reading_leads_back_behind_a_gap():
    """What the counter said before the gap says nothing about where it is now."""
    counter = counted(watts(6, 6, 6, start=50_000_000))
    counter.update(20_000_000_000, 10_000.0)  # half the range may have passed: the growth is unknown
    assert counter.unknown_gaps == 1
    for at, raw in enumerate(watts(6, 6, 6, start=60_000_000), start=10_001):
        counter.update(raw, float(at))
    assert (counter.total, counter.unknown_gaps) == (36e6, 2), "the first reading down there is a baseline"


def test_the_time_that_growth_took_is_told():
    counter = counted(watts(6, 6), seconds=2.5)
    assert counter.grown_for == 2.5
    counter.update(600_000_000, 7.5)
    assert (counter.in_doubt, counter.grown_for) == (True, 2.5)
    counter.update(606_000_000, 10.0)
    assert (counter.in_doubt, counter.grown_for) == (False, 5.0), "of both readings"


def test_a_leap_that_is_taken_back_makes_no_leap_usual():
    raws = watts(*[6] * 14, start=20_000_000_000)
    for place in (5, 6, 7):
        raws[place] += 700_000_000
    counter = counted(raws)
    counter.update(raws[-1] + 300_000_000, 15.0)
    assert counter.in_doubt, "300 W are as odd as before"


@pytest.mark.parametrize("turbo", [(84, 84, 84), (100, 84), (60,), (30, 60, 110, 110)])
def test_a_real_peak_above_the_limit_stays(turbo):
    load = (3, 3, *turbo, 28, 28, 3, 3)
    counter = counted(watts(*load), max_rate=28e6)
    assert (counter.total, counter.unknown_gaps) == (sum(load) * 1e6, 0)


def test_power_that_a_limit_does_not_hold_is_learned():
    load = (20, 20, *[900] * 5, 20, 20)
    counter = counted(watts(*load), max_rate=100e6)
    assert (counter.total, counter.unknown_gaps) == (sum(load) * 1e6, 0)


def test_a_leap_that_no_hardware_draws_is_left_out_also_where_it_stands():
    counter = counted([*watts(6, 6), *watts(6, 6, start=900e6)], max_rate=54e6)
    assert (counter.total, counter.unknown_gaps) == (24e6, 1)


def test_a_counter_of_another_machine_is_a_gap_also_where_it_runs_on():
    counter = counted(watts(50, 50, JUMP * 180 + 1, 50, 50))
    assert (counter.total, counter.unknown_gaps) == (200e6, 1)


@pytest.mark.parametrize("interval", [0.5, 1.0, 5.0, 10.0])
@pytest.mark.parametrize("false", [700.0, -700.0, 60.0, -60.0, 5000.0])
@pytest.mark.parametrize("seed", range(4))
def test_readings_that_are_off_now_and_then_leave_the_truth(seed, false, interval):
    """A processor that rests and works, over wraps; at most what the last odd reading said is ahead of the truth."""
    chance = random.Random(seed)
    maximum = 65_532_610_987
    counter = WrapCounter(maximum, 500e6, peak_rate=600e6, trusted_rate=10e6)
    start, true, now, watts = chance.randrange(maximum), 0, 0.0, 6.0
    counter.update(start, now)
    for number in range(1, 400):
        watts = chance.choice([6.0, 45.0]) if chance.random() < 0.05 else watts
        true += int(max(0.3, chance.gauss(watts, watts / 10)) * interval * 1e6)
        now += interval
        off = int(false * 1e6) if number % 7 == 3 else 0
        counter.update((start + true + off) % maximum, now)
        assert counter.total <= true + max(0, off, false * 1e6)
    for _ in range(30):
        true += int(45e6 * interval)
        now += interval
        counter.update((start + true) % maximum, now)
    assert counter.total == pytest.approx(true)
    assert counter.unknown_gaps == 0


def test_what_is_usual_counts_at_once_and_what_is_not_waits_for_one_reading():
    counter = WrapCounter(RANGE, RATE, trusted_rate=10e6)
    raws = watts(6, 6 * UNUSUAL, 6 * UNUSUAL**2 + 1, 90)
    grown = [counter.update(raw, float(second)) for second, raw in enumerate(raws)]
    assert grown == [None, 6e6, 24e6, None, 187e6]
    assert counter.as_of == 4.0


def test_a_flash_of_zero_adds_nothing():
    counter = counted([100_000_000_000, 0, 100_000_000_100, 100_000_000_200])
    assert (counter.total, counter.unknown_gaps) == (200, 0)


def test_a_range_too_small_to_wait_is_decided_at_once():
    counter = WrapCounter(65_532_610_987, RATE)
    interval = 65_532_610_987 / RATE / 3
    counter.update(0, 0.0)
    assert counter.update(5_000_000, interval) == 5_000_000
    assert counter.update(1_000_000, 2 * interval) is None
    assert (counter.in_doubt, counter.unknown_gaps) == (False, 1)


@pytest.mark.parametrize(("elapsed", "gaps"), [(BOUND * 0.999, 0), (BOUND * 1.001, 1), (BOUND * 100, 1)])
def test_when_half_the_range_may_have_passed_the_growth_is_unknown(elapsed, gaps):
    counter = WrapCounter(RANGE, RATE)
    counter.update(1000, 0.0)
    counter.update(2000, elapsed)
    assert counter.unknown_gaps == gaps
    assert counter.total == (0 if gaps else 1000)


@pytest.mark.parametrize("raw", [801, 200])
def test_a_move_of_more_than_half_a_small_range_is_unknown_either_way(raw):
    counter = counted([300, raw, raw, raw], maximum=1000, max_rate=100)
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


def steady(count, each=100.0):
    """A counter that was read every 10 seconds, at a tenth of its rated 100 a second."""
    counter = WrapCounter(None, max_rate=100.0)
    for number in range(count + 1):
        counter.update(each * number, 10.0 * number)
    return counter


@pytest.mark.parametrize(("growth", "gaps"), [(4000, 0), (4001, 1)])
def test_four_times_the_rating_is_a_peak_and_more_is_none(growth, gaps):
    counter = WrapCounter(None, max_rate=100.0)
    for raw, now in ((0, 0), (growth, 10), (growth + 1000, 20)):
        counter.update(raw, now)
    assert counter.unknown_gaps == gaps
    assert counter.total == (growth + 1000 if not gaps else 1000)


@pytest.mark.parametrize(("growth", "gaps"), [(100_000, 0), (100_500, 1)])
def test_what_goes_on_at_more_than_a_hundred_times_the_rating_is_another_machine_s(growth, gaps):
    counter = WrapCounter(None, max_rate=100.0)
    for raw, now in ((0, 0), (growth, 10), (2 * growth, 20), (2 * growth + 100, 30)):
        counter.update(raw, now)
    assert (counter.unknown_gaps > 0) == bool(gaps)


@pytest.mark.parametrize(("ago", "gaps"), [(64, 0), (65, 1)])
def test_a_fall_to_one_of_the_last_64_readings_is_no_reset(ago, gaps):
    counter = steady(100)
    back = 100.0 * (100 - ago)
    counter.update(back, 1010.0)
    counter.update(back + 10, 1020.0)
    assert counter.unknown_gaps == gaps


def test_what_was_before_a_source_went_away_explains_no_fall():
    counter = steady(10)
    counter.forget()
    for raw, now in ((5000, 200), (5100, 210), (500, 220), (510, 230)):
        counter.update(raw, now)
    assert counter.unknown_gaps == 2


def test_what_was_lost_before_a_source_went_away_explains_no_rise():
    counter = WrapCounter(None, max_rate=100.0)
    for raw, now in ((1000, 0), (1100, 10), (0, 20), (10, 30)):
        counter.update(raw, now)
    assert (counter.unknown_gaps, counter.total) == (1, 110)
    counter.forget()
    for raw, now in ((5, 40), (2000, 50)):
        counter.update(raw, now)
    assert counter.update(2010, 60) == 2005
    assert counter.total == 110 + 2005


def test_a_second_fall_below_the_first_is_a_reset():
    counter = steady(10)
    for raw, now in ((500, 110), (510, 120), (300, 130), (310, 140)):
        counter.update(raw, now)
    assert counter.unknown_gaps == 1


def test_fast_growth_after_a_reset_counts_where_the_next_reading_could_come_too_late():
    counter = WrapCounter(10_000.0, max_rate=100.0)
    for raw, now in ((4500, 0), (0, 10)):
        counter.update(raw, now)
    assert counter.update(4400, 40) == 4400
    assert (counter.unknown_gaps, counter.total) == (1, 4400)


def test_a_counter_is_trusted_as_long_as_half_its_range_can_just_have_passed():
    counter = WrapCounter(10_000.0, max_rate=100.0)
    counter.update(0, 0)
    assert counter.update(4000, 50) == 4000


def test_a_reading_waits_as_long_as_the_next_one_can_just_be_trusted():
    counter = WrapCounter(10_000.0, max_rate=100.0)
    counter.update(0, 0)
    assert counter.update(3000, 25) is None
    assert counter.in_doubt
