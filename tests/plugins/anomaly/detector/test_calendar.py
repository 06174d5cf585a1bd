"""The time of seasons: local, with daylight saving, and holidays like Sundays."""

import math
import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_plugins.anomaly.config import Config
from collector_plugins.anomaly.detector import Detector, Settings
from collector_plugins.anomaly.detector.calendar import Calendar

OSLO = ZoneInfo("Europe/Oslo")
HOUR, DAY = 3600.0, 86_400.0


def at(text, zone=OSLO):
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def shown(calendar, when):
    return datetime.fromtimestamp(calendar.season_time(when), UTC).strftime("%a %H:%M")


@pytest.mark.parametrize("day", ["2026-01-14", "2026-07-15", "2026-03-29", "2026-10-25"])
def test_the_hour_is_that_of_the_clock_on_the_wall_in_summer_and_winter(day):
    weekday = datetime.fromisoformat(day).strftime("%a")
    assert shown(Calendar(OSLO), at(f"{day}T09:15")) == f"{weekday} 09:15"


def test_the_hour_that_is_left_out_in_spring_is_not_shown():
    calendar, when = Calendar(OSLO), at("2026-03-29T01:59")
    assert [shown(calendar, when + 60 * minutes) for minutes in range(2)] == ["Sun 01:59", "Sun 03:00"]


@pytest.mark.parametrize(("holiday", "weekday"), [("12-25", "Sun"), ("2026-12-25", "Sun"), ("2025-12-25", "Fri")])
def test_a_holiday_is_like_a_sunday(holiday, weekday):
    assert shown(Calendar(OSLO, [holiday]), at("2026-12-25T09:15")) == f"{weekday} 09:15"
    assert shown(Calendar(OSLO, [holiday]), at("2026-12-26T00:00")) == "Sat 00:00"


@given(st.floats(allow_nan=False, min_value=-1e14, max_value=1e14))
def test_any_time_has_a_season_time(when):
    assert math.isfinite(Calendar(OSLO, ["12-25"]).season_time(when))


def learn_office(detector, until):
    """A load from nine to five of the clock on the wall, for the two weeks before."""
    dice = random.Random(1)
    learnt = [until - 300 * row for row in range(14 * 288, 0, -1)]
    detector.learn((when, office(when) + dice.gauss(0, 1)) for when in learnt)
    return [detector.update(office(until + 300 * row) + dice.gauss(0, 1), until + 300 * row) for row in range(288)]


def office(when):
    return 50.0 if 9 <= datetime.fromtimestamp(when, OSLO).hour < 17 else 10.0


@pytest.mark.parametrize("change", ["2026-03-29T00:00", "2026-10-25T00:00"])
def test_the_morning_after_the_clocks_have_changed_is_as_expected(change):
    """In UTC the day begins an hour early or late; in local time it does not."""
    errors = {}
    for zone in (OSLO, UTC):
        detector = Detector(Settings(level=1.0), row_seconds=300, calendar=Calendar(zone))
        verdicts = learn_office(detector, at(change))
        errors[zone] = max(abs(office(at(change) + 300 * row) - each.expected) for row, each in enumerate(verdicts))
    assert errors[OSLO] < 10  # of a step of 40
    assert errors[UTC] > 30


def test_what_was_learnt_in_utc_is_known_at_the_local_hour_after_an_update():
    old = Detector(row_seconds=300)
    tokyo = ZoneInfo("Asia/Tokyo")
    start = at("2026-05-04T00:00", UTC)
    old.learn((start + 300 * row, 50.0 if 9 <= row // 12 % 24 < 17 else 10.0) for row in range(5 * 288))
    state = {name: part for name, part in old.state().items() if name != "local"}
    moved = Detector.restore(state, calendar=Calendar(tokyo))
    when = start + 5 * DAY + 12 * HOUR
    assert moved.update(50.0, when).expected == pytest.approx(old.update(50.0, when).expected)
    again = Detector.restore(moved.state(), calendar=Calendar(tokyo))
    assert again.state() == moved.state()


@pytest.mark.parametrize(
    ("options", "said"),
    [({"time_zone": "Mars/Olympus"}, "Europe/Oslo"), ({"holidays": ["13-25"]}, "12-25"), ({"holidays": [""]}, "12-25")],
)
def test_a_zone_or_day_that_does_not_exist_is_refused(options, said):
    with pytest.raises(ValidationError, match=said):
        Config(**options)


def test_days_and_zones_are_taken():
    assert Config(time_zone="Europe/Oslo", holidays=["02-29", "2026-04-03"]).zone == OSLO
    assert Config().zone is None


@pytest.mark.parametrize(
    ("options", "level", "tolerance", "forgetting"),
    [
        ({}, 1.5, 0.1, 3e-6),
        ({"level": 0.8}, 0.8, 0.0, 1.0),
        ({"level": 4.2}, 4.2, 0.1, 3e-6),
        ({"level": 0.8, "tolerance": 0.2}, 0.8, 0.2, 1.0),
        ({"level": 2.8, "tolerance": 0.0}, 2.8, 0.0, 3e-6),
    ],
)
def test_where_many_series_are_watched_noise_is_tolerated_and_remembered(options, level, tolerance, forgetting):
    settings = Config(**options).detector_settings
    assert (settings.level, settings.tolerance, settings.forgetting) == (level, tolerance, forgetting)
