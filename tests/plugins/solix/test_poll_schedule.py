"""When a cycle is due: plain rules, on times that are handed in."""

import pytest

from collector_plugins.solix.config import Realtime
from collector_plugins.solix.poll_schedule import PollSchedule, ScheduleRules

RULES = ScheduleRules(normal=120, fast=30, low=0.30, high=0.35)


def test_a_cycle_every_two_minutes_and_the_cloud_in_every_fifth():
    schedule = PollSchedule(RULES)
    cycles = [(now, schedule.begin_cycle(now)) for now in range(0, 1300, 10) if schedule.is_cycle_due(now)]
    assert [now for now, _ in cycles] == list(range(0, 1300, 120))
    assert [now for now, rest in cycles if rest] == [0, 600, 1200]


def test_a_cloud_that_failed_is_asked_in_the_next_cycle():
    schedule = PollSchedule(RULES)
    schedule.begin_cycle(0)
    schedule.retry_cloud()
    assert schedule.begin_cycle(120)
    assert not schedule.begin_cycle(240)


def test_fast_below_30_percent_while_discharging_until_above_35():
    schedule = PollSchedule(RULES)
    steps = [(0.31, True), (0.30, True), (0.29, True), (0.33, True), (0.35, True), (0.36, True), (0.33, True)]
    fast = []
    for charge, discharging in steps:
        schedule.observe_battery("a", charge, discharging=discharging)
        fast.append(schedule.is_fast)
    assert fast == [False, False, True, True, True, False, False]
    assert schedule.interval == 120


def test_a_low_battery_that_charges_is_no_reason_to_hurry():
    schedule = PollSchedule(RULES)
    schedule.observe_battery("a", 0.10, discharging=False)
    assert not schedule.is_fast
    schedule.observe_battery("a", 0.10, discharging=True)
    assert schedule.is_fast
    assert schedule.is_low("a")
    assert not schedule.is_low("b")


def test_a_battery_that_gets_low_brings_the_next_cycle_forward():
    schedule = PollSchedule(RULES)
    schedule.begin_cycle(0)
    assert not schedule.is_cycle_due(40)
    schedule.observe_battery("a", 0.10, discharging=True)
    assert schedule.is_cycle_due(40)


def test_a_battery_that_is_not_seen_any_more_keeps_nothing_fast():
    schedule = PollSchedule(RULES)
    schedule.observe_battery("a", 0.10, discharging=True)
    schedule.keep_batteries([])
    assert not schedule.is_fast


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
    schedule = PollSchedule(RULES)
    schedule.observe_battery("a", 0.1, discharging=low)
    assert schedule.trigger_seconds(realtime) == seconds
