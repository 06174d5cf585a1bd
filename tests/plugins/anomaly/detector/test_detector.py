"""The detector, row by row: what it must find, what must leave it calm, and what it keeps."""

import json
import math
import random
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.nab import quiet
from collector_plugins.anomaly.detector import CHOSEN, FLEET, Detector, Settings

START = 1_700_006_400  # a midnight UTC
DAY_ROWS = 24 * 60

rows = st.lists(st.tuples(st.floats(), st.floats(min_value=-10, max_value=1e6)), max_size=250)


def feed(detector, values, *, start=START, step=60):
    return [detector.update(value, start + row * step) for row, value in enumerate(values)]


def onsets(verdicts):
    return [row for row, verdict in enumerate(verdicts) if verdict.onset]


def noisy(count, *, middle=50.0, noise=1.0, seed=1):
    dice = random.Random(seed)
    return [dice.gauss(middle, noise) for _ in range(count)]


def learnt_state(rows=60):
    detector = Detector()
    feed(detector, noisy(rows))
    return detector.state()


def daily(days, seed=1):
    return list(islice(quiet.daily(random.Random(seed)), days * DAY_ROWS))


@pytest.mark.parametrize("height", [30, -30])
def test_a_spike_out_of_noise_is_an_alarm_at_its_row(height):
    verdicts = feed(Detector(), [*noisy(1500), 50 + height, *noisy(20, seed=2)])
    assert verdicts[1500].onset
    assert verdicts[1500].score > 0.5
    assert verdicts[1500].size * height > 0
    assert abs(verdicts[1500].size) > 10
    assert verdicts[1500].expected == pytest.approx(50, abs=2)


def test_a_shift_of_the_level_is_one_alarm_not_one_per_row():
    verdicts = feed(Detector(), [*noisy(2000), *noisy(200, middle=60, seed=2)])
    found = [row for row in onsets(verdicts) if row >= 2000]
    assert found[0] == 2000
    assert len(found) <= 2


def test_a_bigger_anomaly_gets_through_while_a_smaller_one_holds():
    verdicts = feed(Detector(), [*noisy(1500), 55.0, *noisy(5, seed=2), 200.0, *noisy(5, seed=3)])
    assert {1500, 1506} <= set(onsets(verdicts))


@pytest.mark.parametrize("wrong", [65_535.0, 4_294_967_295.0, 1e30, -1e30])
@pytest.mark.parametrize("setting", [CHOSEN, FLEET])
def test_one_wrong_reading_does_not_hide_what_comes_after_it(wrong, setting):
    before = 3 * DAY_ROWS
    verdicts = feed(Detector(setting), [*noisy(before), wrong, *noisy(200, seed=2), *noisy(5, middle=150, seed=3)])
    assert verdicts[before].onset
    assert any(verdict.onset for verdict in verdicts[before + 201 :])


def test_an_hour_at_the_value_of_noon_is_odd_at_midnight():
    values = daily(14)
    midnight = 13 * DAY_ROWS + 18 * 60  # the sine's lowest
    values[midnight : midnight + 60] = [70.0] * 60
    verdicts = feed(Detector(), values)
    assert any(midnight <= row < midnight + 60 for row in onsets(verdicts))
    assert max(verdicts[midnight : midnight + 60], key=lambda verdict: verdict.level).cause == "level"


def test_the_season_of_the_day_is_expected():
    verdicts = feed(Detector(), daily(5))
    errors = [
        abs(v.expected - (50 + 20 * math.sin(2 * math.pi * row / DAY_ROWS))) for row, v in enumerate(verdicts[1:], 1)
    ]
    assert max(errors[4 * DAY_ROWS :]) < 8


def test_the_season_of_the_week_is_expected():
    usual = [100.0 if hour // 24 % 7 in {5, 6} else 10.0 for hour in range(24 * 7 * 6)]
    hours = [middle + noise for middle, noise in zip(usual, noisy(len(usual), middle=0), strict=True)]
    verdicts = feed(Detector(row_seconds=3600), hours, step=3600)
    last = list(zip(hours, verdicts, strict=True))[-24 * 7 :]
    assert max(abs(value - verdict.expected) for value, verdict in last) < 15


def test_an_anomaly_of_hours_does_not_teach_the_season_while_it_lasts():
    detector = Detector()
    feed(detector, daily(6))
    before = day_profile(detector)
    feed(detector, [500.0] * 50, start=START + 6 * 86_400)  # within the first hour
    assert day_profile(detector)[:23] == before[:23]
    feed(detector, [50.0] * 60, start=START + 6 * 86_400 + 3600)
    assert day_profile(detector)[0] != before[0]


def day_profile(detector):
    return detector.state()["expectation"]["day"][-24:]


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e-300, 1e300, 273.15])
def test_a_constant_series_is_never_odd(value):
    verdicts = feed(Detector(), [value] * 3000)
    assert not onsets(verdicts)
    assert max(verdict.score for verdict in verdicts) == 0


def test_the_last_digit_of_a_constant_is_no_anomaly():
    verdicts = feed(Detector(), [*[230.0] * 3000, *[230.001, 230.0] * 100])
    assert not onsets(verdicts)


def test_nothing_alarms_during_the_warm_up():
    dice = random.Random(5)
    verdicts = feed(Detector(), [dice.choice((0, 1e6)) * dice.random() for _ in range(720)])
    assert all(verdict.warming_up and not verdict.onset and verdict.score == 0 for verdict in verdicts)
    assert not feed(Detector(), noisy(722))[-1].warming_up


@pytest.mark.parametrize("kind", [*quiet.KINDS, *quiet.LONG_TAILS], ids=lambda kind: kind.__name__)
def test_quiet_days_are_calm(kind):
    verdicts = feed(Detector(FLEET), islice(kind(random.Random(1)), 10 * DAY_ROWS))
    assert len(onsets(verdicts)) <= 1


@pytest.mark.parametrize(("factor", "fewest"), [(3, 3), (5, 4)])
@pytest.mark.parametrize("kind", [quiet.log_normal, quiet.exponential, quiet.pareto], ids=lambda kind: kind.__name__)
def test_a_series_whose_large_rows_come_alone_is_not_blind_to_what_lasts(kind, factor, fewest):
    assert sum(finds_shift(kind(random.Random(seed)), factor) for seed in (1, 2, 4, 5)) >= fewest


def finds_shift(series, factor):
    """Whether values that are so many times as large for two hours are found, after five quiet days."""
    detector = Detector(FLEET)
    feed(detector, islice(series, 5 * DAY_ROWS))
    shifted = [factor * value for value in islice(series, 120)]
    return bool(onsets(feed(detector, shifted, start=START + 5 * 86_400)))


def test_a_single_row_that_its_tail_never_has_is_an_anomaly():
    detector = Detector(FLEET)
    feed(detector, islice(quiet.exponential(random.Random(4)), 5 * DAY_ROWS))
    assert onsets(feed(detector, [2000.0], start=START + 5 * 86_400)) == [0]


def test_a_night_off_is_no_storm():
    detector = Detector(FLEET)
    values = daily(8)
    found = 0
    for row, value in enumerate(values):
        if row % DAY_ROWS < 16 * 60:  # off for eight hours of each day
            found += detector.update(value, START + 60 * row).onset
    assert found == 0


def test_missing_rows_are_no_storm():
    dice = random.Random(2)
    detector = Detector(FLEET)
    found = [detector.update(v, START + 60 * row).onset for row, v in enumerate(daily(8)) if dice.random() < 0.5]
    assert sum(found) == 0


@pytest.mark.parametrize("jump", [90 * 86_400, -90 * 86_400])
def test_a_clock_that_is_set_does_not_end_the_warm_up(jump):
    detector = Detector(FLEET)
    feed(detector, noisy(200))
    verdicts = feed(detector, [*noisy(100, seed=2), 900.0], start=START + 200 * 60 + jump)
    assert verdicts[-1].warming_up
    assert detector.is_warming_up
    feed(detector, noisy(2600, seed=3), start=START + 301 * 60 + jump)
    assert not detector.is_warming_up


def test_a_clock_that_jumps_back_is_survived():
    detector = Detector()
    feed(detector, noisy(1000))
    verdicts = feed(detector, noisy(1000, seed=2), start=START - 5 * 86_400)
    assert len(onsets(verdicts)) <= 3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_no_row(value):
    detector = Detector()
    feed(detector, noisy(1000))
    before = detector.state()
    verdict = detector.update(value, START + 60_000)
    assert (verdict.score, verdict.level, verdict.onset, verdict.expected) == (0, 0, False, None)
    assert detector.state() == before


@given(rows)
@settings(max_examples=60, deadline=None)
def test_whatever_comes_the_verdict_is_finite_and_the_state_restores(steps):
    detector = Detector(Settings(warm_up_rows=5, warm_up_seconds=0))
    when = START
    for value, step in steps:
        when += step
        verdict = detector.update(value, when)
        assert 0 <= verdict.score <= 1
        assert math.isfinite(verdict.level)
        assert verdict.expected is None or math.isfinite(verdict.expected)
        assert verdict.size is None or math.isfinite(verdict.size)
        assert verdict.cause in {"", "level", "record", "distribution"}
    text = json.dumps(detector.state(), allow_nan=False)
    assert Detector.restore(json.loads(text)).state() == detector.state()


def test_restored_it_goes_on_as_if_it_had_never_stopped():
    values = [*noisy(1500), 80.0, *noisy(300, seed=2)]
    straight = feed(Detector(), values)
    first = Detector()
    feed(first, values[:1490])
    again = Detector.restore(json.loads(json.dumps(first.state())))
    rest = feed(again, values[1490:], start=START + 60 * 1490)
    assert [(v.level, v.onset, v.expected, v.size) for v in rest] == [
        (v.level, v.onset, v.expected, v.size) for v in straight[1490:]
    ]


def test_the_settings_are_not_in_the_state_so_that_they_can_be_changed():
    detector = Detector(CHOSEN)
    feed(detector, noisy(1000))
    assert Detector.restore(detector.state(), FLEET).settings == FLEET


@pytest.mark.parametrize("change", [{"version": 0}, {"version": 2}, {"version": None}])
def test_another_version_is_refused(change):
    with pytest.raises(ValueError, match="version 1"):
        Detector.restore(Detector().state() | change)


LEARNT = learnt_state()
leaves = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3)
junk = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_state_is_refused_or_works(data):
    state = dict(LEARNT)
    key = data.draw(st.sampled_from(sorted(state)))
    state[key] = data.draw(junk)
    try:
        restored = Detector.restore(state)
    except ValueError:
        return
    assert math.isfinite(restored.update(1.0, START).level)


@pytest.mark.parametrize("number", [math.nan, math.inf, 1e300, 10**400, True, "1", None])
def test_a_state_with_what_is_no_number_is_refused(number):
    state = learnt_state()
    state["means"][3] = number
    with pytest.raises(ValueError, match="damaged"):
        Detector.restore(state)


@pytest.mark.parametrize("part", [None, [], 3, "x", {}])
def test_what_is_no_state_is_refused(part):
    with pytest.raises(ValueError, match="state"):
        Detector.restore(part)


def test_the_state_stays_small():
    detector = Detector()
    sizes = [len(json.dumps(detector.state()))]
    for days in range(1, 15):
        feed(detector, daily(1, seed=days), start=START + days * 86_400)
        sizes.append(len(json.dumps(detector.state())))
    assert max(sizes) < 20 * 1024
    assert all(later - earlier < 5120 for earlier, later in pairwise(sizes))


def test_the_past_teaches_as_watching_does_and_is_over_the_warm_up_without_an_alarm():
    past = [*daily(3), 500.0, *daily(1, seed=2)]
    rows = [(START + 60.0 * row, value) for row, value in enumerate(past)]
    watching, learning = Detector(FLEET), Detector(FLEET)
    assert onsets(feed(watching, past))
    learning.learn(rows)
    state, learnt = watching.state(), learning.state()
    assert {**state, "clock": state["clock"][:4]} == {**learnt, "clock": learnt["clock"][:4]}
    assert learnt["clock"][4] == 0  # an anomaly of the past raises no bar
    verdict = learning.update(500.0, START + 60 * len(past))
    assert not verdict.warming_up


def test_rows_of_the_past_that_are_not_finite_or_not_newer_are_left_out():
    detector = Detector()
    detector.learn([(START, 1.0), (START, 9.0), (START - 60, 9.0), (START + 60, math.nan), (math.inf, 9.0)])
    detector.learn([(START + 60, 2.0)])
    expected = Detector()
    feed(expected, [1.0, 2.0])
    assert detector.state()["clock"][:4] == expected.state()["clock"][:4]
