"""What follows from forecasts: sums, peaks, the best window, the end of a disk, and the score of earlier forecasts."""

import json
import time
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import ApiError, NotAvailable, PastSeries
from collector_core.testing import serve_routes
from collector_plugins.forecast import periods
from collector_plugins.forecast.api import PATH, answer_all, answer_one, routes
from collector_plugins.forecast.batteries import Outlook
from collector_plugins.forecast.battery import Ahead, Battery
from collector_plugins.forecast.best_window import best_window, parse_energy
from collector_plugins.forecast.config import Config
from collector_plugins.forecast.covariates import by_step
from collector_plugins.forecast.exhaustion import exhausted_at
from collector_plugins.forecast.messages import Job, Refusal, Trained, Values
from collector_plugins.forecast.page import section
from collector_plugins.forecast.past import combine
from collector_plugins.forecast.record import kept_forecasts, score, truths
from collector_plugins.forecast.scenarios import courses, quantiles_of
from collector_plugins.forecast.series import TimeSeries
from collector_plugins.forecast.specs import specs_of
from collector_plugins.forecast.state import Known, Saved, SeriesState, Shown
from collector_plugins.forecast.sums import Sums
from collector_plugins.forecast.view import View

HOUR, DAY = 3600.0, 86_400.0
QUANTILES = (0.1, 0.5, 0.9)


def flat(middle, spread=0.0, steps=48, start=0.0):
    lines = {0.1: [middle - spread] * steps, 0.5: [middle] * steps, 0.9: [middle + spread] * steps}
    return Trained(start=start, step=HOUR, quantiles=lines, model="x", mase={"x": 0.7}, coverage={0.8: 0.81})


def hourly(values):
    return Trained(start=0.0, step=HOUR, quantiles={0.5: list(values)}, model="x")


def job(past, steps, **options):
    series = Values(start=-HOUR * len(past), step=HOUR, values=past)
    return Job(name="x", series=series, horizon_steps=steps, quantiles=QUANTILES, model="x", cpu_seconds=1, **options)


def test_a_day_is_what_was_measured_and_what_is_expected():
    sums = Sums(job([100.0] * 12, 24), flat(300.0, steps=24).quantiles, None)
    assert sums.total(-12 * HOUR, 12 * HOUR)[0.5] == pytest.approx((100 * 12 + 300 * 12) * HOUR)


def test_time_that_was_not_measured_adds_nothing_and_parts_of_steps_count_in_part():
    sums = Sums(job([100.0, None], 24), flat(300.0, steps=24).quantiles, None)
    assert sums.total(-2 * HOUR, 0.5 * HOUR)[0.5] == pytest.approx((100 + 150) * HOUR)


def test_beyond_the_forecast_its_last_day_is_repeated():
    sums = Sums(job([0.0], 24), flat(300.0, steps=24).quantiles, None)
    assert sums.total(0.0, 10 * DAY)[0.5] == pytest.approx(300.0 * 10 * DAY)


def test_errors_of_single_hours_do_not_all_add_up():
    totals = Sums(job([0.0], 24), flat(300.0, 100.0, 24).quantiles, None).total(0.0, DAY)
    assert 300 - 100 < totals[0.1] / DAY < 290
    assert 310 < totals[0.9] / DAY < 300 + 100


def test_energy_costs_what_each_hour_costs():
    prices = [0.0] * 24 + [0.1] * 12 + [0.3] * 12
    sums = Sums(job([100.0] * 24, 24), flat(300.0, 0.0, 24).quantiles, None)
    assert sums.total(-DAY, DAY, prices)[0.5] == pytest.approx(300.0 * 12 * HOUR * (0.1 + 0.3))
    assert sums.total(-DAY, DAY)[0.5] == pytest.approx(400.0 * DAY)


def test_prices_are_taken_by_step_and_missing_where_they_mostly_are():
    series = TimeSeries(0.0, HOUR, [1.0] * 48)
    prices = TimeSeries(0.0, HOUR, [0.1, 0.2] * 32)
    assert by_step(prices, series, 24) == pytest.approx([0.1, 0.2] * 36)
    assert by_step(TimeSeries(0.0, HOUR, [0.1] * 20), series, 24) is None


def test_the_peak_and_how_probably_it_is_above_the_limit():
    sums = Sums(job([0.0], 48, peak=(0.0, DAY), limit=450.0), flat(300.0, 100.0).quantiles, None)
    assert sums.peak()[0.1] < sums.peak()[0.9]
    assert sums.peak()[0.5] > 300.0
    assert 0 < sums.above_limit() < 1
    assert Sums(job([0.0], 24, peak=(DAY, 2 * DAY)), flat(1.0, steps=24).quantiles, None).peak() == {}


@given(st.floats(0, 1e6), st.floats(0, 1e5), st.integers(1, 30))
def test_courses_are_distributed_as_the_quantiles_say(middle, spread, steps):
    found = courses(flat(middle, spread, steps).quantiles, HOUR, "x", 0.0)
    assert all(value >= 0 for course in found for value in course)
    at_first = quantiles_of([course[0] for course in found], QUANTILES)
    assert at_first[0.5] == pytest.approx(middle, abs=0.4 * spread + 1e-6 * middle + 1e-9)


def test_the_best_window_is_the_cheapest_and_the_earliest_of_equals():
    prices = hourly([0.3] * 6 + [0.1] * 3 + [0.3] * 15)
    found = best_window({"price": prices}, 2 * 3.6e6, 3 * HOUR, "cost", 0.0)
    assert (found.start, found.end) == (6 * HOUR, 9 * HOUR)
    assert (found.value, found.value_now) == (pytest.approx(0.2), pytest.approx(0.6))
    assert best_window({"price": hourly([0.2] * 24)}, 3.6e6, HOUR, "cost", 1000.0).start == 1000.0


def test_by_sun_only_what_the_home_leaves_counts():
    sun = hourly([0.0] * 10 + [2000.0] * 4 + [0.0] * 10)
    load = hourly([500.0] * 24)
    found = best_window({"solar": sun, "home_load": load}, 2 * 3.6e6, 2 * HOUR, "solar", 0.0)
    assert (found.start, found.value) == (10 * HOUR, 0.0)
    assert found.value_now == pytest.approx(2 * 3.6e6)


def test_without_its_forecast_or_beyond_it_there_is_no_window():
    for forecasts, duration in (({}, HOUR), ({"price": hourly([0.1] * 3)}, 5 * HOUR)):
        with pytest.raises(NotAvailable) as refused:
            best_window(forecasts, 3.6e6, duration, "cost", 0.0)
        assert refused.value.fix


def test_energies_are_read_as_people_write_them():
    assert [parse_energy(text) for text in ("2kWh", "500 Wh", "7.2MJ", "10 j")] == [7.2e6, 1.8e6, 7.2e6, 10.0]
    for text in ("2", "kWh", "-1 kWh", "0 Wh", "2 kW"):
        with pytest.raises(ValueError, match="energy"):
            parse_energy(text)


def test_a_disk_that_shrinks_ends_and_one_that_does_not_does_not():
    days = [(hour * 6 * HOUR, 100.0 - hour) for hour in range(60)]
    assert exhausted_at(days)[0.5] == pytest.approx(59 * 6 * HOUR + 42 * 6 * HOUR)
    assert exhausted_at([(time, 100.0) for time, _ in days]) == {}
    assert exhausted_at([(time, 100.0 + time) for time, _ in days]) == {}
    assert exhausted_at(days[:5]) == {}
    cleaned = [(time, value + (30 if number > 55 else 0)) for number, (time, value) in enumerate(days)]
    assert exhausted_at(cleaned)[0.5] > exhausted_at(days)[0.5]


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 1e12)), unique_by=lambda each: each[0], max_size=40))
def test_any_course_ends_later_or_never(points):
    points = sorted((time * HOUR, value) for time, value in points)
    assert all(time >= points[-1][0] for time in exhausted_at(points).values())


def past_series(*points):
    return PastSeries(SimpleNamespace(), points)


def test_a_sum_is_not_known_while_one_of_its_series_is_away():
    steady = past_series(*((hour * HOUR, 1.0) for hour in range(60)))
    away = past_series(*((hour * HOUR, 2.0) for hour in range(50) if not 10 <= hour < 12))
    found = combine([steady, away], "sum", 0.0, HOUR, 60)
    assert found[9:13] == [3.0, None, None, 3.0]
    assert found[50] == 1.0, "it is gone"
    assert combine([steady, away], "mean", 0.0, HOUR, 60)[10] == 1.0


def test_forecasts_are_kept_apart_and_compared_with_what_came_true():
    earlier = kept_forecasts([], flat(10.0, 2.0), DAY)
    assert kept_forecasts(earlier, flat(10.0, start=HOUR), DAY) == earlier
    assert len(kept_forecasts(earlier, flat(10.0, start=7 * HOUR), DAY)) == 2
    assert kept_forecasts(earlier, flat(10.0, start=-HOUR), DAY)[0].start == -HOUR, "the clock was set back"
    past = TimeSeries(-7 * DAY, HOUR, [20.0] * 168 + [11.0] * 12 + [13.0] * 12)
    rated = score(earlier, past)
    assert rated.coverage == 0.5
    assert rated.mase == pytest.approx((12 * 1 + 12 * 3) / (12 * 9 + 12 * 7))
    assert [each.value for each in truths(earlier, past, 0.0)] == [11.0] * 12 + [13.0] * 12


def test_days_and_months_are_local_and_have_the_hours_they_have(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        spring = 1_774_738_800.0  # 2026-03-29 00:00 in Berlin, when clocks go ahead
        assert periods.day(spring + 5 * HOUR) == (spring, spring + 23 * HOUR)
        assert periods.month(spring)[1] == spring + 23 * HOUR + 2 * DAY
        assert periods.day(spring, ZoneInfo("UTC")) == (spring - 23 * HOUR, spring + HOUR)
        assert periods.day(spring, ahead=1) == (spring + 23 * HOUR, spring + 47 * HOUR)
    finally:
        monkeypatch.undo()
        time.tzset()


def view(*, trained=None, refusal=None, now=1000.0):
    state = SeriesState(specs_of(Config())[0])
    known = Known(trained=trained, trained_at=0.0, horizon=DAY, unit="watts") if trained else None
    state.saved = Saved(known=known, refusal=refusal)
    return View(now, (state,))


async def test_the_api_says_what_is_expected_what_is_missing_and_what_there_is_not():
    shown = view(trained=flat(300.0, 50.0))
    async with serve_routes(routes(lambda: shown)) as session:
        one = await (await session.get(f"{PATH}/power")).json()
        assert one["series"]["p50"][0] == {"t": 0.0, "value": 300.0}
        assert (one["score"]["mase"], one["score"]["coverage"]) == (0.7, 0.81)
        assert set(one) >= {"model", "trained_at", "actual"}
        everything = await (await session.get(PATH)).json()
        assert [each["name"] for each in everything["forecasts"]] == ["power"]
        assert (await session.get(f"{PATH}/nothing")).status == 404
        assert (await session.get(f"{PATH}/best-window?energy=2kWh&duration=3h")).status == 409
        assert (await session.get(f"{PATH}/best-window?energy=2&duration=3h")).status == 400


def test_a_forecast_that_is_missing_is_409_with_the_reason_and_what_helps():
    refusal = Refusal(reason="too_short", detail="3 values are too few", fix="at least 8")
    with pytest.raises(ApiError) as refused:
        answer_one(view(refusal=refusal), "power")
    assert refused.value.status == 409
    assert refused.value.body["missing"] == {
        "reason": "too_short",
        "detail": "3 values are too few",
        "fix": "at least 8",
    }
    assert "too few" in json.dumps(section(view(refusal=refusal)).tables[0].rows)


def test_the_page_shows_each_series_and_nothing_before_the_first_run():
    assert section(View()).tables == []
    shown = section(view(trained=flat(300.0, 50.0)))
    assert [chart.title for chart in shown.charts] == ["power"]
    assert "250 W to 350 W" in shown.charts[0].note


def test_the_page_shows_what_was_expected_beside_what_came_true_and_what_is_expected_now():
    shown = view(trained=flat(300.0, 50.0, start=HOUR), now=2.5 * HOUR)
    (state,) = shown.series
    state.known.shown.append(Shown(time=0.0, value=310.0, low=280.0, middle=290.0, high=320.0))
    state.known.past.append((0.0, 310.0))
    (chart,) = section(shown).charts
    assert chart.expected.times[:2] == (0.0, 2 * HOUR)
    assert (chart.expected.lower[:2], chart.expected.upper[:2]) == ((280.0, 250.0), (320.0, 350.0))
    assert len(chart.expected.times) == 25
    assert "250 W to 350 W" in chart.note


def shed(**ahead):
    return View(now=HOUR, batteries=(Outlook(Battery("shed", 1.0, 2.0), Ahead(**ahead)),), zone=ZoneInfo("UTC"))


def test_a_battery_is_empty_at_the_likeliest_time_with_the_range_beside_it():
    times = {0.1: 2 * HOUR, 0.5: 5 * HOUR}
    found = shed(empty=times, likeliest_empty=3 * HOUR)
    (answer,) = answer_all(found)["batteries"]
    assert answer["empty_at"] == {"likeliest": 4 * HOUR, "p10": 3 * HOUR, "p50": 6 * HOUR}
    assert answer["full_at"] == {}
    (row,) = section(found).tables[0].rows
    assert row[0] == "shed empty at"
    assert [text[-5:] for text in row[1:3]] == ["04:00", "03:00"]
    assert row[3] == "not foreseen"


def test_one_that_is_not_likely_to_be_empty_has_no_time_on_the_page():
    found = shed(empty={0.1: 2 * HOUR}, full={0.1: HOUR, 0.5: HOUR, 0.9: HOUR}, likeliest_full=HOUR)
    assert answer_all(found)["batteries"][0]["empty_at"] == {"p10": 3 * HOUR}
    assert [row[0] for row in section(found).tables[0].rows] == ["shed full at"]
