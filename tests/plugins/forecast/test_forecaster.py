"""Forecasts of series with properties that must carry over, with numpy and without."""

import itertools
import math
import random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.forecast.covariates import aligned
from collector_plugins.forecast.forecaster import forecast
from collector_plugins.forecast.series import TimeSeries, TooShort
from tests.plugins.forecast.series_made import HOUR, START, changed, daily

MIDDLE = (0.1, 0.5, 0.9)


def error(found, actual):
    return sum(abs(a - b) for a, b in zip(found.quantiles[0.5], actual, strict=True)) / len(actual)


def test_it_beats_repeating_the_last_week(way):
    series = daily(49)
    past, future = TimeSeries(START, HOUR, series.values[:-168]), series.values[-168:]
    naive = sum(abs(a - b) for a, b in zip(past.values[-168:], future, strict=True)) / 168
    found = forecast(past, 168)
    assert error(found, future) < 0.85 * naive
    assert found.mase[found.model] < 0.9
    assert found.start == past.end


def test_without_numpy_the_model_says_so(way):
    assert forecast(daily(21), 24).model == {"numpy": "combination", "pure": "combination without numpy"}[way]


@pytest.mark.parametrize(("scale", "shift"), [(1000.0, 0.0), (1e-6, 0.0), (1.0, 1e4), (-1.0, 1000.0)])
def test_what_changes_unit_or_zero_is_forecast_alike(way, scale, shift):
    series = daily(28)
    plain = forecast(series, 24).quantiles[0.5]
    other = forecast(changed(series, lambda value: scale * value + shift), 24).quantiles[0.5]
    assert other == pytest.approx([scale * value + shift for value in plain], rel=1e-3)


def test_a_constant_series_stays(way):
    found = forecast(TimeSeries(START, HOUR, [42.0] * 500), 48)
    assert all(path == pytest.approx([42.0] * 48) for path in found.quantiles.values())


def test_zeros_stay_zeros(way):
    found = forecast(TimeSeries(START, HOUR, [0.0] * 500), 48)
    assert all(path == [0.0] * 48 for path in found.quantiles.values())


@pytest.mark.parametrize("weeks", [3, 6])
def test_solar_power_that_begins_after_weeks_without_is_forecast(way, weeks):
    """As where panels came later than their meter."""
    rng = random.Random(1)
    suns = [max(0.0, math.sin((hour % 24 - 6) / 12 * math.pi)) * rng.uniform(1500, 3000) for hour in range(14 * 24)]
    found = forecast(TimeSeries(START, HOUR, [0.0] * (weeks * 168) + suns), 24).quantiles[0.5]
    assert found[0] == pytest.approx(0.0, abs=50)
    assert 1000 < found[12] < 3000


def test_a_line_goes_on(way):
    found = forecast(TimeSeries(START, HOUR, [float(each) for each in range(300)]), 24)
    assert found.quantiles[0.5][-1] == pytest.approx(323, abs=1)


def test_a_counter_goes_on_as_fast_as_by_day_and_night(way):
    series = daily(35)
    totals, total = [], 0.0
    for value in series.values:
        total += value
        totals.append(total)
    found = forecast(
        TimeSeries(START, HOUR, [None if place % 50 == 7 else t for place, t in enumerate(totals[:-168])]), 168
    )
    grown = totals[-1] - totals[-169]
    assert found.quantiles[0.5][-1] - totals[-169] == pytest.approx(grown, rel=0.05)
    assert found.quantiles[0.1][-1] < totals[-1] < found.quantiles[0.9][-1]
    assert found.quantiles[0.1] == sorted(found.quantiles[0.1])


@pytest.mark.parametrize("later", [-3.0, 0.0, 3.0])
def test_steps_of_what_is_known_from_outside_are_those_that_begin_at_about_the_same_time(later):
    outside = TimeSeries(START + later, HOUR, [float(place) for place in range(14)])
    series = TimeSeries(START, HOUR, [0.0] * 10)
    assert aligned([outside], series, 4) == [list(outside.values)]
    assert aligned([outside], series, 5) == []


def test_what_is_known_from_outside_is_used():
    pytest.importorskip("numpy")
    series, rng = daily(50, noise=0.5), random.Random(9)
    cold = [rng.choice([0.0, 8.0, 15.0]) for _ in range(50)]
    outside = TimeSeries(START, HOUR, [cold[place // 24] for place in range(24 * 50)])
    values = [value + 3 * cold[place // 24] for place, value in enumerate(series.values)]
    past = TimeSeries(START, HOUR, values[:-48])
    blind, knowing = forecast(past, 48), forecast(past, 48, covariates={"cold": outside})
    assert error(knowing, values[-48:]) < 0.6 * error(blind, values[-48:])
    unknown = TimeSeries(START, HOUR, outside.values[:-48])
    assert forecast(past, 48, covariates={"cold": unknown}).quantiles == blind.quantiles


@pytest.mark.parametrize("size", [1e15, 1e-9])
def test_sizes_do_not_matter(way, size):
    found = forecast(changed(daily(21), lambda value: value * size), 24)
    assert all(30 * size < value < 120 * size for value in found.quantiles[0.5])


def test_one_spike_is_not_forecast(way):
    values = list(daily(28).values)
    values[-30] = 1e5
    found = forecast(TimeSeries(START, HOUR, values), 24)
    assert max(found.quantiles[0.5]) < 4000


def test_gaps_are_dealt_with(way):
    series = daily(42)
    rng = random.Random(3)
    values = [None if rng.random() < 0.1 or 300 < place < 360 else each for place, each in enumerate(series.values)]
    found = forecast(TimeSeries(START, HOUR, values[:-24]), 24)
    whole = forecast(TimeSeries(START, HOUR, series.values[:-24]), 24)
    assert error(found, whole.quantiles[0.5]) < 4


def test_nothing_impossible_is_forecast(way):
    sun = [max(0.0, math.sin((place % 24 - 6) / 12 * math.pi)) * (1 + place // 24 % 3) / 3 for place in range(24 * 40)]
    found = forecast(TimeSeries(START, HOUR, sun), 48, (0.025, 0.5, 0.975))
    assert all(0 <= value <= 1 for path in found.quantiles.values() for value in path)
    nights = [path[hour] for path in found.quantiles.values() for hour in (0, 1, 2, 24, 25)]
    assert nights == pytest.approx([0.0] * len(nights), abs=0.02)


def test_quantiles_are_in_order(way):
    found = forecast(daily(28, noise=5), 60, (0.9, 0.025, 0.5, 0.1, 0.975))
    for step in range(60):
        values = [found.quantiles[each][step] for each in (0.025, 0.1, 0.5, 0.9, 0.975)]
        assert values == sorted(values)


def test_the_naive_model_repeats_exactly(way):
    series = daily(28)
    assert forecast(series, 200, model="seasonal_naive").quantiles[0.5] == pytest.approx(
        [series.values[-168 + step % 168] for step in range(200)]
    )


def test_a_series_without_season_is_forecast_near_its_last_value(way):
    rng, values = random.Random(5), [100.0]
    for _ in range(700):
        values.append(values[-1] + rng.gauss(0, 1))
    found = forecast(TimeSeries(START, HOUR, values), 12)
    assert all(abs(value - values[-1]) < 6 for value in found.quantiles[0.5])


@pytest.mark.parametrize("seed", [2, 4])
def test_a_combination_that_loses_to_repeating_the_last_value_is_not_shown(way, seed):
    rng, values = random.Random(seed), [100.0]
    for _ in range(400):
        values.append(values[-1] + rng.gauss(0, 1))
    found = forecast(TimeSeries(START, HOUR, values), 12)
    assert found.mase[found.model] == max(found.mase.values()) == 1.0
    assert found.quantiles[0.5] == pytest.approx([values[-1]] * 12)


def test_a_model_that_is_asked_for_shows_its_error_even_where_it_loses(way):
    found = forecast(daily(35), 168, model="yesterday")
    assert found.mase.pop("yesterday") > 1
    assert all(error <= 1 for error in found.mase.values())


@pytest.mark.parametrize(("step", "days"), [(60.0, 3), (300.0, 8), (900.0, 3), (1800.0, 21)])
def test_steps_of_other_lengths_have_their_daily_season(way, step, days):
    series = daily(days + 1, step=step, noise=0.5)
    a_day = round(86_400 / step)
    past = TimeSeries(series.start, step, series.values[:-a_day])
    found = forecast(past, a_day)
    assert len(found.quantiles[0.5]) == a_day
    assert error(found, series.values[-a_day:]) < 6


@pytest.mark.parametrize("horizon", [1, 4])
def test_a_horizon_within_the_hour_that_the_clock_repeats_is_forecast(way, horizon):
    end, step = 1_761_440_400.0, 900.0  # 2025-10-26 01:00 UTC: 3:00 in Berlin was 2:00 again
    series = TimeSeries(end - 1920 * step, step, [10.0 + place % 96 for place in range(1920)])
    known = TimeSeries(series.start, step, [float(place % 7) for place in range(1920 + horizon)])
    found = forecast(series, horizon, covariates={"known": known}, zone=ZoneInfo("Europe/Berlin"))
    assert len(found.quantiles[0.5]) == horizon


def test_daily_values_have_a_week(way):
    values = [100.0 - 30 * (day % 7 >= 5) for day in range(200)]
    assert forecast(TimeSeries(START, 86_400.0, values), 14).quantiles[0.5] == pytest.approx(values[4:18], abs=2)


def test_the_evening_stays_in_the_evening_when_the_clock_is_set_back(way):
    zone, step, start = ZoneInfo("Europe/Berlin"), HOUR, 1_757_894_400.0  # 2025-09-15
    local = [(start + 7200 + place * step) // 3600 % 24 == 20 for place in range(24 * 40)]  # until 25 October, 2:00
    found = forecast(TimeSeries(start, step, [10.0 + 50 * each for each in local]), 48, zone=zone)
    peaks = [found.start + place * step for place, value in enumerate(found.quantiles[0.5]) if value > 40]
    assert [peak % 86_400 / 3600 for peak in peaks] == [18.0, 19.0]  # in UTC: before and after the change


@pytest.mark.parametrize(("count", "horizon"), [(0, 1), (7, 1), (20, 200)])
def test_too_short_says_what_is_missing(way, count, horizon):
    with pytest.raises(TooShort) as refused:
        forecast(TimeSeries(START, HOUR, [1.0] * count), horizon)
    assert "at least" in refused.value.fix


def test_a_glitch_of_a_meter_does_not_become_a_forecast(way):
    series = daily(35)
    broken = list(series.values)
    broken[500] = 1e6
    clean, found = forecast(series, 24), forecast(TimeSeries(START, HOUR, broken), 24)
    assert error(found, clean.quantiles[0.5]) < 3
    assert max(found.quantiles[0.9]) < 150


def test_a_season_that_is_stated_holds_as_far_as_the_series_shows_it(way):
    series = TimeSeries(START, HOUR, [float(place % 7) for place in range(24 * 7)])
    for stated in ([7 * HOUR], [7 * HOUR, 400 * HOUR]):
        found = forecast(series, 14, model="seasonal_naive", seasonalities=stated)
        assert found.quantiles[0.5] == pytest.approx([float(place % 7) for place in range(14)])
    short = TimeSeries(START, HOUR, series.values[:20])
    assert forecast(short, 7, seasonalities=[7 * HOUR]).quantiles == forecast(short, 7).quantiles


@pytest.mark.parametrize(
    "arguments", [{"model": "crystal ball"}, {"quantiles": (1.0,)}, {"quantiles": ()}, {"seasonalities": [60.0]}]
)
def test_what_there_is_not_is_refused(way, arguments):
    with pytest.raises(ValueError, match="model|quantiles|seasonalities"):
        forecast(daily(14), 24, **arguments)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_hold_what_they_promise(way, level):
    low, high = (1 - level) / 2, (1 + level) / 2
    low, high = round(low, 3), round(high, 3)
    inside = []
    for seed in range(20):
        series = daily(43, noise=4, seed=seed)
        found = forecast(TimeSeries(START, HOUR, series.values[:-24]), 24, (low, high))
        bands = zip(found.quantiles[low], series.values[-24:], found.quantiles[high], strict=True)
        inside += [lower <= value <= upper for lower, value, upper in bands]
    assert level - 0.06 < sum(inside) / len(inside) < level + 0.06


values = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))


@given(st.lists(values, max_size=120), st.integers(1, 60), st.sampled_from([1.0, 60.0, 3600.0, 21_600.0, 86_400.0]))
def test_any_series_is_forecast_within_what_it_was_or_refused(series, horizon, step):
    try:
        found = forecast(TimeSeries(START, step, series), horizon, MIDDLE)
    except TooShort:
        return
    assert all(len(path) == horizon and all(map(math.isfinite, path)) for path in found.quantiles.values())


SUNDAYS = 6  # days after a Monday


def working_week(weeks, free=()):
    """Much on weekdays, little on Sundays and on days that are free, by the number of the day."""
    days = [20.0 if day % 7 == SUNDAYS or day in free else 100.0 for day in range(7 * weeks)]
    return [day + 0.1 * hour for day in days for hour in range(24)]


MONDAY = 1_772_409_600.0  # 2026-03-02 00:00 UTC
GOOD_FRIDAY = 32  # days later


def test_a_holiday_is_expected_to_be_like_a_sunday(way):
    values = working_week(6)[: 24 * GOOD_FRIDAY]
    series = TimeSeries(MONDAY, HOUR, values)
    for holidays, expected in (((), 100.0), (("2026-04-03",), 20.0), (("04-03",), 20.0)):
        found = forecast(series, 48, holidays=holidays)
        assert found.quantiles[0.5][12] == pytest.approx(expected + 1.2, abs=3)
        assert found.quantiles[0.5][36] == pytest.approx(101.2, abs=3), "the day after is a Saturday as ever"
        assert len(found.quantiles[0.5]) == 48


def test_a_holiday_of_the_past_says_nothing_of_the_next_weekday(way):
    values = working_week(6, free={GOOD_FRIDAY})[: 24 * (GOOD_FRIDAY + 7)]
    found = forecast(TimeSeries(MONDAY, HOUR, values), 24, holidays=["04-03"])
    assert found.quantiles[0.5][12] == pytest.approx(101.2, abs=2)


def test_a_holiday_begins_at_midnight_where_people_are(way):
    values = working_week(6)[: 24 * GOOD_FRIDAY]
    found = forecast(TimeSeries(MONDAY, HOUR, values), 24, zone=ZoneInfo("America/New_York"), holidays=["2026-04-03"])
    usual = [value > 60 for value in found.quantiles[0.5]]
    assert usual[:4] == [True] * 4, "it is Thursday in New York"


def test_a_counter_goes_on_over_a_holiday(way):
    values = [float(each) for each in itertools.accumulate(working_week(6)[: 24 * GOOD_FRIDAY])]
    found = forecast(TimeSeries(MONDAY, HOUR, values), 48, holidays=["2026-04-03"])
    assert found.quantiles[0.5] == sorted(found.quantiles[0.5])
