"""One series: readings become rows, rows are judged, and what is known of it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Series
from collector_plugins.anomaly.detector import Detector, Settings
from collector_plugins.anomaly.series.daily_extremes import DAYS, DailyExtremes
from collector_plugins.anomaly.series.row_aggregates import CounterRate, GaugeMean
from collector_plugins.anomaly.series.watched_series import WatchedSeries

DAY = 86_400.0
START = 1_700_006_400.0
ROW = 60.0


class TestGaugeMean:
    def test_a_row_is_the_mean_of_its_readings(self):
        row = GaugeMean()
        for at, value in enumerate((1.0, 2.0, 6.0)):
            row.add_reading(value, at)
        assert (row.close_row(), row.close_row()) == (3.0, None)

    def test_a_discarded_row_is_empty(self):
        row = GaugeMean()
        row.add_reading(5.0, 0.0)
        row.discard_row()
        assert row.close_row() is None
        row.add_reading(7.0, 1.0)
        assert row.close_row() == 7.0


class TestCounterRate:
    def row(self, *readings, max_gap=30):
        row = CounterRate(max_gap)
        for value, at in readings:
            row.add_reading(value, at)
        return row

    def test_a_row_is_the_rate_across_the_ends_of_rows(self):
        row = self.row((100.0, 0.0))
        assert row.close_row() is None
        row.add_reading(150.0, 10.0)
        row.add_reading(200.0, 20.0)
        assert row.close_row() == 5.0
        row.add_reading(230.0, 30.0)
        assert row.close_row() == 3.0
        assert row.close_row() is None

    def test_a_counter_that_stands_still_has_rate_0(self):
        assert self.row((5.0, 0.0), (5.0, 10.0)).close_row() == 0.0

    def test_around_a_reset_nothing_is_guessed(self):
        assert self.row((100.0, 0.0), (150.0, 10.0), (20.0, 20.0), (40.0, 30.0)).close_row() == 70.0 / 20.0

    @pytest.mark.parametrize(("gap", "rate"), [(30.0, 1.0), (30.1, None), (0.0, None), (-5.0, None)])
    def test_the_rate_over_a_long_gap_or_no_time_is_unknown(self, gap, rate):
        assert self.row((100.0, 50.0), (100.0 + gap, 50.0 + gap)).close_row() == rate

    def test_readings_of_a_slow_collector_have_rates_from_the_second_gap_on(self):
        assert self.row((100.0, 0.0), (700.0, 600.0), (1900.0, 1200.0)).close_row() == 1200.0 / 600.0
        assert self.row((100.0, 0.0), (700.0, 600.0), (1900.0, 1501.0)).close_row() is None

    def test_a_slow_collector_stays_known_across_a_discarded_row(self):
        row = self.row((100.0, 0.0), (700.0, 600.0))
        row.discard_row()
        row.add_reading(800.0, 5000.0)
        row.add_reading(1400.0, 5600.0)
        assert row.close_row() == 1.0

    def test_a_discarded_row_begins_with_its_next_reading(self):
        row = self.row((100.0, 0.0), (150.0, 10.0))
        row.discard_row()
        row.add_reading(200.0, 20.0)
        assert row.close_row() is None
        row.add_reading(210.0, 30.0)
        assert row.close_row() == 1.0

    @given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e6)), max_size=30))
    def test_a_rate_is_never_negative(self, readings):
        rate = self.row(*readings).close_row()
        assert rate is None or rate >= 0


class TestDailyExtremes:
    def filled(self, *days):
        extremes = DailyExtremes()
        for day, values in enumerate(days):
            for value in values:
                extremes.add(value, START + day * DAY)
        return extremes

    def test_the_whole_days_since_a_value_was_last_so_high_or_low(self):
        extremes = self.filled((1.0, 9.0), (1.0, 3.0), (1.0, 4.0))
        today = START + 3 * DAY
        assert extremes.days_since(5.0, today, above=True) == 3
        assert extremes.days_since(3.5, today, above=True) == 1
        assert extremes.days_since(9.0, today, above=True) == 3
        assert extremes.days_since(10.0, START + 2 * DAY, above=True) == 2
        assert extremes.days_since(0.5, START + 2 * DAY, above=False) == 2
        assert extremes.days_since(1.0, START + 2 * DAY, above=False) == 0

    def test_nothing_is_known_of_an_empty_past(self):
        assert DailyExtremes().days_since(1.0, START, above=True) == 0

    def test_a_month_is_remembered(self):
        extremes = self.filled((100.0,), *[(1.0,)] * (DAYS - 1))
        assert extremes.days_since(50.0, START + DAYS * DAY, above=True) == DAYS
        extremes.add(1.0, START + DAYS * DAY)
        assert extremes.days_since(50.0, START + DAYS * DAY, above=True) == DAYS - 1
        assert len(extremes.state()[0]) == DAYS

    def test_a_clock_that_went_back_counts_for_the_last_day(self):
        extremes = self.filled((1.0,), (2.0,))
        extremes.add(99.0, START)
        assert extremes.state() == [[19676, 19677], [1.0, 2.0], [1.0, 99.0]]
        assert extremes.days_since(50.0, START, above=True) == 0
        assert extremes.days_since(500.0, START - 5 * DAY, above=True) == 0

    def test_days_that_a_wrong_clock_has_shown_are_forgotten(self):
        extremes = self.filled((1.0,), (2.0,))
        extremes.add(3.0, START + 5000 * DAY)
        extremes.add(4.0, START + 2 * DAY)
        assert extremes.state()[1:] == [[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]]

    def test_it_goes_on_where_it_was_saved(self):
        extremes = self.filled((1.0, 9.0), (2.0, 3.0))
        again = DailyExtremes()
        again.restore(json.loads(json.dumps(extremes.state())))
        again.add(0.5, START + DAY)
        assert again.state()[1:] == [[1.0, 0.5], [9.0, 3.0]]

    @pytest.mark.parametrize(
        "state",
        [None, [], [[], []], [[1], [2], []], [[1], [2], ["3"]], [[1], [2], [float("nan")]], [[1], [2], 3],
         [[1] * 32, [1.0] * 32, [1.0] * 32]],
    )  # fmt: skip
    def test_a_damaged_state_is_refused(self, state):
        with pytest.raises(ValueError, match="damaged"):
            DailyExtremes().restore(state)


def watched(kind="gauge", **settings):
    series = Series("host_power_watts", "host_power_watts", {}, kind, "watts", "", "host")
    return WatchedSeries(series, "power", Detector(Settings(**{"warm_up_seconds": 0} | settings)), ROW, START)


def feed(found, values, *, first_row=0, collector_ran=True):
    """Close a row for each value; None is a row without a reading."""
    for row, value in enumerate(values, first_row):
        if value is not None:
            found.add_reading(value, row * ROW)
        found.close_row(START + (row + 1) * ROW, collector_ran=collector_ran)
    return found


def test_what_is_learnt_from_the_past_counts_as_watched():
    past = [(START - 2 * DAY + 60.0 * row, 50.0 + row % 7) for row in range(2 * 1440)]
    found = watched(warm_up_seconds=DAY)
    found.learn([*past, (START, math.nan), past[0]])
    assert (found.first_row_at, found.last_row_at, found.rows_known) == (past[0][0], past[-1][0], len(past))
    assert found.verdict is None
    found.add_reading(5000.0, 0.0)
    found.close_row(START, collector_ran=True)
    assert found.begins_anomaly()
    assert found.extremes.days_since(5000.0, START, above=True) == 2


class TestWatchedSeries:
    def test_a_row_has_a_value_a_verdict_and_an_expectation(self):
        found = feed(watched(), [50.0] * 200)
        assert (found.value, found.expected, found.rows_known, found.rows_missed) == (50.0, 50.0, 200, 0)
        assert not found.is_warming_up
        assert found.last_row_at == START + 200 * ROW
        assert found.key == ("host_power_watts", "power")

    def test_without_a_reading_there_is_none(self):
        found = feed(watched(), [50.0, None])
        assert (found.value, found.verdict, found.size) == (None, None, 0.0)
        assert found.is_warming_up
        assert found.last_row_at == START + ROW

    def test_it_is_missing_after_five_rows_while_its_collector_runs(self):
        found = feed(watched(), [50.0] * 150)
        feed(found, [None] * 4, first_row=150)
        assert not found.is_missing
        feed(found, [None], first_row=154)
        assert found.is_missing
        feed(found, [50.0], first_row=155)
        assert (found.is_missing, found.rows_missed) == (False, 0)

    def test_it_is_not_missing_while_its_collector_fails(self):
        found = feed(watched(), [50.0] * 150)
        feed(found, [None] * 50, first_row=150, collector_ran=False)
        assert (found.is_missing, found.rows_missed) == (False, 0)

    def test_rows_in_which_the_collector_fails_do_not_end_the_count(self):
        found = feed(watched(), [50.0] * 150)
        feed(found, [None] * 3, first_row=150)
        feed(found, [None] * 3, first_row=153, collector_ran=False)
        assert found.rows_missed == 3

    def test_one_that_came_and_went_is_not_missed(self):
        found = feed(watched(), [50.0] * 149)
        feed(found, [None] * 20, first_row=149)
        assert not found.is_missing

    def comes_and_goes(self, *, days):
        """Half a day there, half a day not."""
        found = watched()
        for day in range(days):
            feed(found, [*[50.0] * 720, *[None] * 720], first_row=1440 * day)
        return found

    def test_one_that_goes_every_day_is_missed_when_it_is_away_for_a_day_longer(self):
        found = self.comes_and_goes(days=2)
        feed(found, [50.0] * 720, first_row=2880)
        feed(found, [None] * (720 + 1400), first_row=3600)
        assert not found.is_missing
        feed(found, [None] * 60, first_row=3600 + 720 + 1400)
        assert found.is_missing

    def test_one_that_was_once_away_shortly_is_missed_after_five_times_as_long(self):
        found = feed(watched(), [*[50.0] * 150, *[None] * 4, 50.0])
        feed(found, [None] * 24, first_row=155)
        assert not found.is_missing
        feed(found, [None], first_row=179)
        assert found.is_missing

    def test_how_long_it_was_away_fades(self):
        found = feed(watched(), [*[50.0] * 150, *[None] * 40, 50.0])
        feed(found, [50.0] * 20_000, first_row=191)
        feed(found, [None] * 104, first_row=20_191)
        assert not found.is_missing
        feed(found, [None] * 2, first_row=20_295)
        assert found.is_missing

    def test_how_long_it_was_away_outlives_a_restart(self):
        state = json.loads(json.dumps(self.comes_and_goes(days=2).state()))
        again = watched()
        again.restore(state, Detector.restore(state["detector"]))
        feed(again, [*[50.0] * 10, *[None] * 300])
        assert not again.is_missing

    @pytest.mark.parametrize("jump", [90 * DAY, -90 * DAY])
    def test_a_clock_that_is_set_is_no_time_of_watching(self, jump):
        found = feed(watched(), [50.0] * 100)
        found.add_reading(50.0, 100 * ROW)
        found.close_row(START + 101 * ROW + jump, collector_ran=True)
        assert found.last_row_at - found.first_row_at == pytest.approx(100 * ROW)

    def test_a_clock_that_was_ahead_before_a_restart_is_no_time_of_watching(self):
        state = feed(watched(), [50.0] * 100).state()
        ahead = state | {"first": state["first"] + 90 * DAY, "seen": state["seen"] + 90 * DAY}
        again = watched()
        again.restore(ahead, Detector.restore(state["detector"]))
        assert again.last_row_at - again.first_row_at == pytest.approx(state["seen"] - state["first"])

    def test_a_counter_with_a_single_reading_is_there_though_its_rate_is_unknown(self):
        found = feed(watched("counter"), [100.0])
        assert (found.value, found.rows_missed) == (None, 0)

    def test_a_counter_is_judged_by_its_rate(self):
        found = feed(watched("counter"), [600.0 * row for row in range(10)])
        assert (found.value, found.rows_known) == (10.0, 9)

    def test_the_rate_of_a_slow_counter_is_known_over_five_minutes(self):
        found = watched("counter")
        found.add_reading(0.0, 0.0)
        found.add_reading(300.0, 300.0)
        found.close_row(START + 300, collector_ran=True)
        assert found.value == 1.0

    def test_discarding_drops_the_row_in_progress_and_the_missed_ones(self):
        found = feed(watched(), [*[50.0] * 150, None, None])
        found.add_reading(1e6, 0.0)
        found.discard_row()
        assert found.rows_missed == 0
        feed(found, [None], first_row=153)
        assert (found.value, found.rows_missed) == (None, 1)

    def test_a_row_beyond_all_numbers_has_no_value_and_can_be_saved(self):
        found = feed(watched(), [1.0] * 10)
        found.add_reading(1.5e308, 0.0)
        found.add_reading(1.5e308, 1.0)
        found.close_row(START, collector_ran=True)
        assert found.value is None
        json.dumps(found.state(), allow_nan=False)

    def test_an_anomaly_begins_with_the_type_that_the_detector_gives(self):
        found = feed(watched(), [50.0 + row % 7 for row in range(400)])
        assert not found.begins_anomaly()
        feed(found, [500.0], first_row=400)
        assert found.begins_anomaly()
        assert found.anomaly_type() in ("level", "record")
        assert found.size > 10

    def test_nothing_begins_while_it_warms_up(self):
        found = feed(watched(warm_up_rows=500), [50.0 + row % 7 for row in range(400)])
        feed(found, [500.0], first_row=400)
        assert not found.begins_anomaly()

    def test_nothing_begins_in_a_series_of_rare_events(self):
        found = feed(watched(level=0.1), [0.0] * 400)
        feed(found, [500.0], first_row=400)
        assert found.verdict.onset
        assert not found.begins_anomaly()

    def test_a_0_where_there_never_is_one_is_a_zero(self):
        found = feed(watched(), [50.0 + row % 7 for row in range(400)])
        feed(found, [0.0], first_row=400)
        assert found.anomaly_type() == "zero"

    def test_without_a_verdict_it_is_a_level(self):
        assert watched().anomaly_type() == "level"

    def test_the_row_counts_among_the_extremes_once_it_is_recorded(self):
        found = feed(watched(), [50.0])
        found.record_day(START)
        assert found.extremes.state()[1:] == [[50.0], [50.0]]
        feed(found, [None], first_row=1)
        found.record_day(START + DAY)
        assert len(found.extremes.state()[0]) == 1

    def test_a_clock_that_is_not_set_yet_costs_no_days(self):
        found = feed(watched(), [50.0] * 10)
        found.record_day(START)
        known = found.extremes.state(), found.trend.state()
        found.record_day(3600.0)
        assert (found.extremes.state(), found.trend.state()) == known

    def test_it_goes_on_where_it_was_saved(self):
        found = feed(watched(), [50.0 + row % 7 for row in range(300)])
        found.record_day(START)
        state = json.loads(json.dumps(found.state()))
        again = watched()
        again.last_row_at = found.last_row_at
        again.restore(state, Detector.restore(state["detector"], Settings(warm_up_seconds=0)))
        assert again.state() | {"seen": 0} == found.state() | {"seen": 0}
        for series in (found, again):
            feed(series, [500.0], first_row=300)
        assert (again.verdict.level, again.expected) == (found.verdict.level, found.expected)

    @pytest.mark.parametrize(
        "change", [{"first": "x"}, {"missed": "x"}, {"told": 1.5}, {"rules": None}, {"rules": {}}, {"extremes": [1]}]
    )
    def test_a_damaged_state_is_refused_and_changes_nothing(self, change):
        found = feed(watched(), [50.0] * 10)
        before = found.state()
        with pytest.raises(ValueError, match="damaged"):
            found.restore(feed(watched(), [60.0] * 20).state() | change, Detector())
        assert found.state() == before
