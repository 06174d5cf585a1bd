"""What is published of a counter that somebody else keeps: blips, corrections, restarts, replaced devices."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import ForeignCounter

LIFE = 7_300_000.0


def published(readings, max_rate=math.inf):
    counter = ForeignCounter(max_rate)
    return [counter.record(reading) for reading in readings]


def test_growth_is_published_as_it_comes():
    assert published([LIFE, LIFE + 5, LIFE + 5, LIFE + 11]) == [LIFE, LIFE + 5, LIFE + 5, LIFE + 11]


@pytest.mark.parametrize("blip", [0, 17, LIFE / 2, LIFE - 1])
def test_a_reading_that_is_too_low_once_adds_nothing(blip):
    assert published([LIFE, LIFE + 5, blip, LIFE + 9]) == [LIFE, LIFE + 5, LIFE + 5, LIFE + 9]


@pytest.mark.parametrize("lows", [[0, 0], [0] * 9, [4e6, 4e6 + 5, 4e6 + 6]])
def test_a_counter_that_returns_after_a_longer_absence_is_not_counted_again(lows):
    totals = published([LIFE, LIFE + 5, *lows, LIFE + 9, LIFE + 14])
    assert totals[-1] == LIFE + 14
    assert totals == sorted(totals)


def test_a_correction_holds_the_total_until_the_counter_has_passed_it():
    assert published([1000, 1010, 985, 990, 1008, 1012]) == [1000, 1010, 1010, 1010, 1010, 1012]


@pytest.mark.parametrize(("low", "total"), [([3, 8], 1058), ([0, 0, 4], 1054), ([8, 3], 1058)])
def test_a_restart_counts_on_once_a_second_reading_confirms_it(low, total):
    assert published([1000, 1050, *low])[-1] == total


def test_what_another_device_counted_in_its_life_before_is_left_out():
    counter = ForeignCounter()
    for reading in (LIFE, LIFE + 10, 90_000, 90_004, 90_010):
        counter.record(reading)
    assert (counter.total, counter.unknown_gaps) == (LIFE + 20, 1)


@pytest.mark.parametrize("leap", [LIFE * 3, LIFE + 5000, 2**63])
def test_an_enormous_step_that_is_taken_back_never_counts(leap):
    assert published([LIFE, LIFE + 5, leap, LIFE + 9]) == [LIFE, LIFE + 5, LIFE + 5, LIFE + 9]


def test_an_enormous_step_that_stands_counts_one_reading_later():
    assert published([0, 1, 5000, 5001]) == [0, 1, 1, 5001]


def test_an_impossible_step_that_stands_is_left_out():
    counter = ForeignCounter(max_rate=50)
    for reading in (100, 110, 90_000, 90_004):
        counter.record(reading)
    assert (counter.total, counter.unknown_gaps, counter.in_doubt) == (110, 1, False)
    assert counter.record(90_010) == 116


def test_an_impossible_step_that_is_taken_back_late_is_as_if_it_had_not_been():
    assert published([100, 110, 90_000, 90_004, 116, 120, 131], max_rate=50)[-1] == 131


def test_a_small_step_that_is_taken_back_is_not_counted_twice():
    assert published([100, 110, 150, 113, 120, 152]) == [100, 110, 150, 150, 150, 152]


def test_how_fast_it_grew_is_judged_by_time():
    counter = ForeignCounter(max_rate=100)
    for reading, now in ((5e6, 0.0), (5e6 + 60, 1.0), (5e6 + 90_000, 1000.0)):
        counter.record(reading, now)
    assert (counter.total, counter.in_doubt) == (5e6 + 90_000, False)
    counter.record(5e6 + 100_000, 1010.0)
    assert (counter.total, counter.in_doubt) == (5e6 + 90_000, True)


def test_a_reading_that_waits_is_known_as_such():
    counter = ForeignCounter()
    counter.record(500)
    counter.record(3)
    assert (counter.total, counter.in_doubt) == (500, True)


@pytest.mark.parametrize("reading", [-1, math.nan, math.inf])
def test_an_impossible_reading_changes_nothing(reading):
    counter = ForeignCounter()
    counter.record(5)
    with pytest.raises(ValueError, match="counter reads"):
        counter.record(reading)
    assert counter.record(7) == 7


@given(st.lists(st.floats(0, 1e15), min_size=1, max_size=40), st.floats(1, 1e6))
def test_it_never_falls_nor_grows_by_more_than_is_possible(readings, most):
    counter = ForeignCounter(most)
    before = counter.record(readings[0])
    for reading in readings[1:]:
        total = counter.record(reading)
        assert before <= total <= before + 3 * most + 1.0  # of rounding, at 1e15
        before = total


@given(
    st.lists(st.integers(0, 20), min_size=3, max_size=20),
    st.dictionaries(st.integers(2, 20), st.integers(0, int(LIFE)), max_size=4),
)
def test_single_low_readings_anywhere_leave_the_truth(steps, blips):
    counter, true = ForeignCounter(), LIFE
    counter.record(true)
    for place, step in enumerate(steps):
        true += step
        is_blip = place in blips and place - 1 not in blips
        counter.record(min(blips[place], true) if is_blip else true)
    true += 1
    for _ in range(2):
        counter.record(true)
    assert counter.total == pytest.approx(true)
