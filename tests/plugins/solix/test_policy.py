"""Merging, polling, budget and link: plain rules, told the time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.testing import FakeClock
from collector_plugins.solix import metrics
from collector_plugins.solix.budget import LIMIT, LOGIN_LIMIT, LONGEST_BACKOFF, WINDOW, Budget, HeldBack, Result, spread
from collector_plugins.solix.config import Realtime
from collector_plugins.solix.link import LONGEST_PAUSE, Link
from collector_plugins.solix.mapping import Series
from collector_plugins.solix.merge import Merge, Source
from collector_plugins.solix.polling import Polling, Rules

CHARGE, SOLAR = Series(metrics.CHARGE), Series(metrics.SOLAR)
LIMITS = {Source.MQTT: 360.0, Source.REST: 1800.0}
RULES = Rules(normal=120, fast=30, low=0.30, high=0.35)


# Merging


def test_the_newest_reading_counts_whoever_it_came_from():
    merge = Merge(LIMITS)
    merge.put("a", Source.REST, 100, {CHARGE: 0.5, SOLAR: 10})
    merge.put("a", Source.MQTT, 200, {CHARGE: 0.6})
    merge.put("a", Source.REST, 150, {CHARGE: 0.1, SOLAR: 20})
    assert merge.fresh("a", 200) == {CHARGE: 0.6, SOLAR: 20}


def test_a_reading_older_than_its_limit_goes_and_its_age_grows():
    merge = Merge(LIMITS)
    merge.put("a", Source.MQTT, 100, {CHARGE: 0.5})
    merge.put("a", Source.REST, 100, {SOLAR: 10})
    assert merge.fresh("a", 460) == {CHARGE: 0.5, SOLAR: 10}
    assert merge.fresh("a", 461) == {SOLAR: 10}
    assert merge.fresh("a", 1901) == {}
    assert merge.ages("a", 1901) == {Source.MQTT: 1801, Source.REST: 1801}


def test_what_is_asked_for_less_often_is_told_longer():
    merge = Merge(LIMITS)
    merge.put("a", Source.REST, 0, {SOLAR: 10}, limit=7200)
    assert merge.fresh("a", 7200) == {SOLAR: 10}


def test_devices_that_are_gone_are_forgotten():
    merge = Merge(LIMITS)
    merge.put("a", Source.REST, 0, {SOLAR: 10})
    merge.keep(["b"])
    assert (merge.fresh("a", 0), merge.ages("a", 0)) == ({}, {})


@given(st.lists(st.tuples(st.sampled_from(Source), st.integers(0, 1000), st.floats(0, 1)), min_size=1))
def test_the_order_of_arrival_does_not_matter(readings):
    merge = Merge(dict.fromkeys(Source, 1e9))
    for source, at, value in readings:
        merge.put("a", source, at, {CHARGE: value})
    newest = max(at for _, at, _ in readings)
    assert merge.fresh("a", 1000)[CHARGE] in {value for _, at, value in readings if at == newest}
    assert min(merge.ages("a", 1000).values()) == 1000 - newest


# Polling


def test_a_cycle_every_two_minutes_and_the_cloud_in_every_fifth():
    polling = Polling(RULES)
    cycles = [(now, polling.begin(now)) for now in range(0, 1300, 10) if polling.due(now)]
    assert [now for now, _ in cycles] == list(range(0, 1300, 120))
    assert [now for now, rest in cycles if rest] == [0, 600, 1200]


def test_a_cloud_that_failed_is_asked_in_the_next_cycle():
    polling = Polling(RULES)
    polling.begin(0)
    polling.ask_again()
    assert polling.begin(120)
    assert not polling.begin(240)


def test_fast_below_30_percent_while_discharging_until_above_35():
    polling = Polling(RULES)
    steps = [(0.31, True), (0.30, True), (0.29, True), (0.33, True), (0.35, True), (0.36, True), (0.33, True)]
    fast = []
    for charge, discharging in steps:
        polling.observe("a", charge, discharging=discharging)
        fast.append(polling.fast)
    assert fast == [False, False, True, True, True, False, False]
    assert polling.interval == 120


def test_a_low_battery_that_charges_is_no_reason_to_hurry():
    polling = Polling(RULES)
    polling.observe("a", 0.10, discharging=False)
    assert not polling.fast
    polling.observe("a", 0.10, discharging=True)
    assert polling.fast
    assert polling.is_low("a")
    assert not polling.is_low("b")


def test_a_battery_that_gets_low_brings_the_next_cycle_forward():
    polling = Polling(RULES)
    polling.begin(0)
    assert not polling.due(40)
    polling.observe("a", 0.10, discharging=True)
    assert polling.due(40)


def test_a_battery_that_is_not_seen_any_more_keeps_nothing_fast():
    polling = Polling(RULES)
    polling.observe("a", 0.10, discharging=True)
    polling.keep([])
    assert not polling.fast


@pytest.mark.parametrize(
    ("realtime", "low", "seconds"),
    [
        (Realtime.CYCLE, False, 30),
        (Realtime.CYCLE, True, 60),
        (Realtime.CONTINUOUS, False, 150),
        (Realtime.CONTINUOUS, True, 60),
        (Realtime.OFF, True, None),
    ],
)
def test_how_long_devices_are_asked_to_report(realtime, low, seconds):
    polling = Polling(RULES)
    polling.observe("a", 0.1, discharging=low)
    assert polling.trigger_seconds(realtime) == seconds


# Budget


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def budget(clock):
    return Budget(clock, "login", lambda: 1.0)


def test_five_requests_a_minute_and_then_a_wait(budget, clock):
    assert [budget.claim("a") for _ in range(LIMIT)] == [0] * LIMIT
    clock.advance(20)
    assert budget.claim("a") == pytest.approx(WINDOW - 20)
    assert budget.claim("b") == 0
    clock.advance(WINDOW - 20)
    assert budget.claim("a") == 0


def test_logins_have_a_budget_of_their_own(budget, clock):
    for _ in range(LOGIN_LIMIT):
        budget.claim("login")
    clock.advance(WINDOW)
    with pytest.raises(HeldBack):
        budget.claim("login")
    clock.advance(600)
    assert budget.claim("login") == 0


@pytest.mark.parametrize("result", [Result.LIMITED, Result.SERVER_ERROR, Result.TIMEOUT, Result.UNREACHABLE])
def test_a_cloud_in_trouble_is_left_alone_for_longer_and_longer(budget, clock, result):
    pauses = []
    for _ in range(8):
        budget.count("a", result)
        with pytest.raises(HeldBack) as held:
            budget.claim("a")
        pauses.append(held.value.seconds)
        clock.advance(held.value.seconds)
        budget.claim("a")
    assert pauses == [60, 120, 240, 480, 960, 1920, LONGEST_BACKOFF, LONGEST_BACKOFF]
    budget.count("a", Result.OK)
    budget.count("a", result)
    with pytest.raises(HeldBack) as held:
        budget.claim("a")
    assert held.value.seconds == 60


@pytest.mark.parametrize("result", [Result.REFUSED, Result.UNAUTHORIZED, Result.BAD_DATA, Result.OK])
def test_other_failures_hold_nothing_back(budget, result):
    budget.count("a", result)
    assert budget.claim("a") == 0


def test_the_cloud_may_say_when_to_come_back(budget):
    budget.count("a", Result.LIMITED, 300)
    with pytest.raises(HeldBack) as held:
        budget.claim("a")
    assert held.value.seconds == 300


def test_a_foreign_endpoint_cannot_flood_the_metrics(budget):
    for number in range(1000):
        budget.count(f"endpoint{number}", Result.OK)
    assert len(budget.results) == 100


def test_pauses_are_spread():
    assert {0.5 <= spread() <= 1 for _ in range(100)} == {True}
    assert len({spread() for _ in range(100)}) > 90


@given(st.lists(st.floats(0, 30), max_size=200))
def test_no_minute_ever_sees_more_than_the_budget(steps):
    clock = FakeClock()
    budget = Budget(clock, "login", lambda: 1.0)
    made = []
    for step in steps:
        clock.advance(step)
        if budget.claim("a") == 0:
            made.append(clock.monotonic())
    for start in made:
        assert sum(start <= at < start + WINDOW for at in made) <= LIMIT


# Link


@pytest.fixture
def link(clock):
    return Link(clock, 360, lambda: 1.0)


def test_a_session_is_started_at_once_and_then_after_pauses(link, clock):
    pauses = []
    for _ in range(7):
        assert link.is_due(connected=False)
        link.failed()
        pause = 0
        while not link.is_due(connected=False):
            clock.advance(1)
            pause += 1
        pauses.append(pause)
    assert pauses == [10, 20, 40, 80, 160, LONGEST_PAUSE, LONGEST_PAUSE]


def test_a_session_that_is_heard_is_left_alone(link, clock):
    link.started()
    for _ in range(100):
        clock.advance(300)
        link.heard()
        assert not link.is_due(connected=True)
    assert (link.messages, link.restarts) == (100, 0)


def test_a_silent_session_is_given_up_with_growing_patience(link, clock):
    link.started()
    silences = []
    for _ in range(5):
        silence = 0
        while not link.is_due(connected=True):
            clock.advance(1)
            silence += 1
        silences.append(silence)
        link.started()
    assert silences == [361, 721, 1441, 2881, 3601]
    assert link.restarts == 5


def test_the_client_may_connect_again_by_itself_for_a_while(link, clock):
    link.started()
    clock.advance(100)
    assert not link.is_due(connected=True)
    clock.advance(299)
    assert not link.is_due(connected=False)
    clock.advance(2)
    assert link.is_due(connected=False)


def test_what_was_closed_on_purpose_starts_at_once(link):
    link.failed()
    link.closed()
    assert link.is_due(connected=False)
