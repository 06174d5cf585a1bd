"""What the last days say of the hours to come: habits by the clock, appliances, the sky, what is drawn now."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from collector_plugins.forecast.battery import Battery, NetCourses, look_ahead
from collector_plugins.forecast.messages import Trained
from collector_plugins.forecast.past_days import OTHER_KIND, STEP, PastDays

HOUR, DAY = 3600.0, 86_400.0
KWH = 3.6e6
MONDAY = datetime(2026, 6, 15, tzinfo=UTC).timestamp()
QUARTERS = 96
OSLO = ZoneInfo("Europe/Oslo")


def usual(quarter):
    """200 W, and 2 kW from seven to half past seven in the evening."""
    return 2000.0 if 76 <= quarter % QUARTERS < 78 else 200.0


def days_of(load=usual, sun=lambda quarter: 0.0, count=15, end=MONDAY):
    quarters = range(count * QUARTERS)
    return PastDays(end, [load(each) for each in quarters], [sun(each) for each in quarters])


def watts(course):
    return [watts for _, watts in course.pieces]


def test_each_course_goes_on_as_its_day_did_by_the_quarter_of_an_hour():
    now = MONDAY + 300.0
    found = days_of().courses(now, MONDAY + 2 * DAY, None, UTC)
    assert len(found) == 14
    assert [seconds for seconds, _ in found[0].pieces] == [STEP - 300.0, *[STEP] * 191]
    for course in found:
        assert watts(course) == [usual(quarter) for quarter in range(192)]


def test_a_battery_is_empty_when_dinner_is_cooked_which_an_hourly_mean_does_not_know():
    hours = [1100.0 if hour % 24 == 19 else 200.0 for hour in range(48)]
    load = Trained(start=MONDAY, step=HOUR, quantiles=dict.fromkeys((0.1, 0.5, 0.9), hours), model="x", minimum=0.0)
    net, battery = NetCourses(load, None), Battery("b", 4.3 * KWH, 10 * KWH)  # of which 500 Wh are for dinner
    alone = look_ahead(battery, net, MONDAY).empty[0.5]
    with_days = look_ahead(battery, net, MONDAY, days=days_of().courses(MONDAY, net.end, None, UTC)).empty[0.5]
    assert with_days == pytest.approx(19.25 * HOUR)
    assert alone > with_days + 0.1 * HOUR


def test_the_days_and_the_forecasts_have_their_shares_of_the_risk():
    load = Trained(start=MONDAY, step=HOUR, quantiles={0.5: [10.0] * 24}, model="x", minimum=0.0)
    days = days_of(lambda quarter: 1000.0).courses(MONDAY, MONDAY + DAY, None, UTC)
    ahead = look_ahead(Battery("b", 2 * KWH, 10 * KWH), NetCourses(load, None), MONDAY, days=days)
    assert ahead.empty_risk == pytest.approx(0.7)
    assert ahead.empty[0.5] == 2 * HOUR
    assert 0.9 not in ahead.empty


def test_a_weekend_says_less_of_a_working_day_and_the_evening_before_it_is_between():
    weights = [course.weight for course in days_of().courses(MONDAY, MONDAY + DAY, None, UTC)]
    assert weights == [OTHER_KIND**2, OTHER_KIND**2, *[1.0] * 5] * 2
    friday = MONDAY + 4 * DAY + 20 * HOUR
    weights = [course.weight for course in days_of(end=friday).courses(friday, friday + DAY, None, UTC)]
    assert weights == [*[OTHER_KIND] * 4, OTHER_KIND**2, OTHER_KIND, 1.0] * 2


def test_too_few_days_and_days_long_past_say_nothing_and_gaps_leave_their_days_out():
    assert days_of(count=5).courses(MONDAY, MONDAY + DAY, None, UTC) == []
    assert len(days_of(count=6).courses(MONDAY, MONDAY + DAY, None, UTC)) == 5
    assert days_of().courses(MONDAY + 7 * HOUR, MONDAY + DAY, None, UTC) == []
    assert days_of().courses(MONDAY - 1.0, MONDAY + DAY, None, UTC) == []
    gap = range(8 * QUARTERS, 8 * QUARTERS + 20)
    with_gap = days_of(lambda quarter: None if quarter in gap else usual(quarter))
    assert len(with_gap.courses(MONDAY, MONDAY + DAY, None, UTC)) == 12
    assert PastDays(MONDAY, [], []).courses(MONDAY, MONDAY + DAY, None, UTC) == []
    assert PastDays(MONDAY, [None] * 1440, [0.0] * 1440).courses(MONDAY, MONDAY + DAY, None, UTC) == []


def test_what_is_drawn_now_lasts_for_a_while():
    found = watts(days_of().courses(MONDAY, MONDAY + DAY, 1200.0, UTC)[0])
    assert 700 < found[0] < 900
    assert found[0] > found[1] > found[2]
    assert found[12] == pytest.approx(200.0, abs=2.0)
    assert min(watts(days_of().courses(MONDAY, MONDAY + DAY, 0.0, UTC)[0])) >= 0


def test_the_sun_is_as_bright_as_in_the_last_hour_for_a_while():
    def sun(quarter):
        bright = 1000.0 if 32 <= quarter % QUARTERS < 64 else 0.0
        return bright / 2 if quarter >= 14 * QUARTERS + QUARTERS // 2 - 4 else bright

    noon = MONDAY - DAY / 2
    days = PastDays(noon, [0.0] * 1392, [sun(quarter) for quarter in range(1392)])
    found = watts(days.courses(noon, noon + DAY, None, UTC)[3])
    assert found[0] == pytest.approx(-500.0, rel=0.03)
    assert -1000.0 < found[15] < -600.0


def test_habits_follow_the_clock_on_the_wall_and_the_sun_does_not():
    end = datetime(2026, 3, 30, tzinfo=OSLO).timestamp()  # the clock was set forward on the 29th
    begin = end - 15 * DAY

    def load(quarter):
        local = datetime.fromtimestamp(begin + quarter * STEP, OSLO)
        return 2000.0 if local.hour == 19 else 200.0

    def sun(quarter):
        return 300.0 if datetime.fromtimestamp(begin + quarter * STEP, UTC).hour == 12 else 0.0

    for course in days_of(load, sun, end=end).courses(end, end + DAY - HOUR, None, OSLO)[2:]:
        found = watts(course)
        assert [place for place, value in enumerate(found) if value == 2000.0] == list(range(76, 80))
        assert [place for place, value in enumerate(found) if value < 0] == list(range(56, 60))


def test_a_new_level_of_the_load_is_that_of_older_days_as_well():
    days = days_of(lambda quarter: 700.0 if quarter >= 10 * QUARTERS else 200.0)
    firsts = [watts(course)[0] for course in days.courses(MONDAY, MONDAY + DAY, None, UTC)]
    assert firsts[0] == 700.0
    assert firsts[-1] > 350.0
