"""Slow drift: what is one, what is none, and what is said of it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.anomaly.incidents.symptoms import DRIFT
from collector_plugins.anomaly.series.daily_trend import DAY, DAYS, DailyTrend, Day, find_drift

START = 1_700_006_400.0  # a midnight UTC
ROW = 3600.0


def days(means, *, spread=1.0):
    return [Day(number, mean, spread) for number, mean in enumerate(means)]


def trend_of(rows, *, row=ROW):
    trend = DailyTrend(row)
    for number, value in enumerate(rows):
        trend.add(value, START + row * number)
    return trend


def noisy(means, noise=1.0, seed=1):
    dice = random.Random(seed)
    return [dice.gauss(mean, noise) for mean in means for _ in range(24)]


@pytest.mark.parametrize("slope", [3.0, -3.0])
def test_a_leak_of_a_little_every_day_is_a_drift_after_a_week(slope):
    rows = noisy([100 + slope * day for day in range(8)])
    assert trend_of(rows[: 6 * 24 + 1]).drift is None
    drift = trend_of([*rows, 0.0]).drift
    assert drift.days == 8
    assert (drift.last - drift.first) == pytest.approx(7 * slope, rel=0.1)


@pytest.mark.parametrize(
    "means",
    [
        [100.0] * 14,
        [100.0, 104.0] * 7,
        [100.0] * 7 + [120.0] * 7,  # a step: the detector has seen it, and most pairs of days agree on nothing
        [100.0] * 13 + [200.0],
        [100.0, 101.0, 102.0, 103.0, 104.0, 103.0, 102.0, 101.0, 100.0],
        [0.0] * 14,
    ],
)
def test_what_stays_jumps_or_comes_back_is_no_drift(means):
    assert trend_of([*noisy(means, 0.5 if any(means) else 0.0), 0.0]).drift is None


def test_a_drift_must_be_large_beside_the_differences_within_a_day():
    means = [100.0 + day for day in range(14)]
    assert find_drift(days(means, spread=20.0))
    assert find_drift(days(means, spread=50.0)) is None


def test_quiet_noise_hardly_ever_drifts():
    found = sum(find_drift(days(noisy([100], seed=seed)[:14], spread=0.1)) is not None for seed in range(300))
    assert found == 0


def test_days_with_few_rows_do_not_count():
    trend = DailyTrend(ROW)
    for day in range(10):
        for hour in range(5):
            trend.add(100.0 + 5 * day, START + day * DAY + hour * ROW)
    assert trend.drift is None


def test_a_clock_that_was_far_ahead_does_not_stop_it():
    trend = DailyTrend(ROW)
    trend.add(100.0, START + 5000 * DAY)
    for row, value in enumerate(noisy([100 + 3 * day for day in range(9)])):
        trend.add(value, START + row * ROW)
    assert trend.drift


def test_it_is_over_when_the_values_stay():
    rows = noisy([100 + 3 * min(day, 10) for day in range(24)])
    assert trend_of(rows[: 11 * 24]).drift
    assert trend_of(rows).drift is None


def test_restored_it_goes_on():
    rows = noisy([100 + 3 * day for day in range(12)])
    trend = trend_of(rows[:250])
    again = DailyTrend(ROW)
    again.restore(trend.state())
    assert again.drift == trend.drift
    for number, value in enumerate(rows[250:], 250):
        trend.add(value, START + ROW * number)
        again.add(value, START + ROW * number)
    assert (again.state(), again.drift) == (trend.state(), trend.drift)


@pytest.mark.parametrize(
    "state",
    [None, [], [[1]], [[], [1, 2]], [[], [1, 2, "3"]], [[], [1, 2, float("nan")]], [[], *[[1, 2, 3]] * (DAYS + 1)], 3],
)
def test_a_damaged_state_is_refused(state):
    with pytest.raises(ValueError, match="damaged"):
        DailyTrend(ROW).restore(state)


@given(st.lists(st.tuples(st.floats(-1e150, 1e150), st.integers(-5, 40)), max_size=60))
def test_whatever_comes_is_survived(rows):
    trend = DailyTrend(DAY)
    for value, day in rows:
        trend.add(value, START + day * DAY)
    DailyTrend(DAY).restore(trend.state())


def test_a_long_time_off_ends_a_drift():
    trend = trend_of(noisy([100 + 3 * day for day in range(10)]))
    trend.add(130.0, START + 60 * DAY)
    assert trend.drift is None


def test_a_leak_becomes_one_minor_anomaly_with_its_course_and_what_to_do(learnt_machine):
    found = learnt_machine()
    watched = found.watched("system_memory_used_bytes")
    today = int(found.clock.time() // DAY)
    watched.trend.restore([[], *([today - 14 + day, 4e9 + 2e8 * day, 1e8] for day in range(14))])
    (drift,) = [each for each in found.rows(3) if each.type == DRIFT]
    assert (drift.severity, drift.component) == (1, "memory")
    assert drift.description.endswith("has risen steadily for 14 days, from 4 GB to 6.6 GB on average")
    assert "a leak" in drift.actions[0]
    assert ("memory", DRIFT) in found.active()
