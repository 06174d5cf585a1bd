"""Signals of simulated sources: in their range, smooth, and the same for everybody."""

import itertools
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.demo import Totals, chance, daily, daylight, noise, pick, spikes

HOUR = 3600.0
DAY = 24 * HOUR
MONDAY = 1_767_571_200.0  # 2026-01-05 00:00 UTC
WEEK = [MONDAY + minute * 60.0 for minute in range(0, 7 * 1440, 5)]

times = st.floats(0, 4e9)


@given(times, st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0, 24), st.floats(0, 1))
def test_a_daily_wave_stays_between_low_and_high(when, low, swing, peak_hour, weekend):
    value = daily(when, low, low + swing, peak_hour=peak_hour, weekend=weekend)
    assert low - 1e-6 <= value <= low + swing + 1e-6


def test_a_daily_wave_peaks_at_its_hour_and_is_lowest_twelve_hours_later():
    assert daily(MONDAY + 15 * HOUR, 10, 50, peak_hour=15) == pytest.approx(50)
    assert daily(MONDAY + 3 * HOUR, 10, 50, peak_hour=15) == pytest.approx(10)


def test_weekends_are_quieter_and_begin_smoothly():
    day = {name: daily(MONDAY + n * DAY + 14 * HOUR, 0, 100, weekend=0.3) for n, name in enumerate("MTWtFSs")}
    assert day == pytest.approx({"M": 100, "T": 100, "W": 100, "t": 100, "F": 100, "S": 30, "s": 30})
    values = [daily(when, 0, 100, peak_hour=0, weekend=0) for when in WEEK]
    assert max(abs(after - before) for before, after in itertools.pairwise(values)) < 7


def test_there_is_no_sun_at_night_and_most_at_noon():
    assert daylight(MONDAY + 5 * HOUR) == daylight(MONDAY + 21 * HOUR) == 0
    assert daylight(MONDAY + 13 * HOUR) == pytest.approx(1)


@given(times, st.text(max_size=5), st.floats(0, 1e6), st.floats(1, 1e6))
def test_noise_stays_within_its_scale(when, seed, scale, period):
    assert -scale <= noise(when, seed, scale, period) <= scale


def test_noise_is_smooth_around_zero_and_another_curve_for_each_seed():
    values = [noise(when, "a", 1.0, 3600) for when in WEEK]
    assert max(abs(after - before) for before, after in itertools.pairwise(values)) < 0.3
    assert abs(sum(values) / len(values)) < 0.15
    assert max(values) > 0.7
    assert min(values) < -0.7
    others = [noise(when, "b", 1.0, 3600) for when in WEEK]
    assert abs(sum(a * b for a, b in zip(values, others, strict=True)) / len(values)) < 0.1


def test_spikes_are_rare_and_one_within_each_time():
    values = [spikes(when, "x", 10, every=6 * HOUR, length=HOUR) for when in WEEK]
    feet = [after > 0 and before == 0 for before, after in itertools.pairwise(values)]
    assert sum(feet) == 28
    assert 0.8 < sum(value == 0 for value in values) / len(values) < 0.87
    assert 7 < max(values) <= 10


def test_a_choice_holds_for_its_period_and_all_come_up():
    picked = [pick("abc", when, "x") for when in WEEK]
    assert set(picked) == set("abc")
    assert all(len(set(picked[n : n + 12])) == 1 for n in range(0, len(picked), 12))


@given(st.text(max_size=9), st.integers())
def test_chances_are_ratios(seed, number):
    assert 0 <= chance(seed, number) < 1


def test_another_process_sees_the_same():
    code = "from collector_core.demo import *; print(chance('s', 7), noise(1e9, 'x'), pick('abc', 1e9, 'y'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(chance("s", 7)), str(noise(1e9, "x")), pick("abc", 1e9, "y")]


def test_a_total_is_the_area_under_its_rate():
    totals = Totals()
    assert totals.grow("a", 2.0, MONDAY) == 0
    assert totals.grow("a", 4.0, MONDAY + 10) == 30
    assert totals.grow("b", 1.0, MONDAY + 10) == 0


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 4e9))))
def test_a_total_never_falls_whatever_the_clock_does(steps):
    totals = Totals()
    seen = [totals.grow("a", rate, when) for rate, when in steps]
    assert seen == sorted(seen)
