"""Simulated devices at a home: what they show adds up, over days that could be real."""

from contextlib import closing

import pytest

from collector_core.testing import FakeClock, Harness
from collector_plugins.solix import metrics
from collector_plugins.solix.demo import DemoSolix

HOUR = 3600.0
MONDAY = 1_767_571_200.0


def one(harness, metric):
    (value,) = harness.series(metric).values()
    return value


def day(start, step=1800.0):
    with closing(Harness(DemoSolix, clock=FakeClock(wall_time=start))) as harness:
        for _ in range(int(24 * HOUR / step)):
            harness.run(advance=step)
            yield harness


def test_the_home_gets_what_it_uses():
    for harness in day(MONDAY):
        bank = {"device": "demo-solarbank", "model": "A17C5", "name": "Shed"}
        solar, load = one(harness, metrics.SOLAR), one(harness, metrics.HOME_LOAD)
        charge, discharge = harness.value(metrics.CHARGE_POWER, **bank), harness.value(metrics.DISCHARGE_POWER, **bank)
        imported, exported = one(harness, metrics.GRID_IMPORT), one(harness, metrics.GRID_EXPORT)
        assert solar + discharge + imported == pytest.approx(load + charge + exported)
        assert sum(harness.series(metrics.SOLAR_CHANNEL).values()) == pytest.approx(solar)
        assert all(0 <= ratio <= 1 for ratio in harness.series(metrics.CHARGE).values())


def test_a_week_has_sun_low_batteries_and_an_outage():
    low, fast, connected, solar, export = set(), set(), set(), [], []
    for number in range(7):
        for harness in day(MONDAY + number * 24 * HOUR, step=2 * HOUR):
            low |= set(harness.series(metrics.LOW).values())
            fast.add(one(harness, metrics.FAST))
            connected.add(one(harness, metrics.GRID_CONNECTED))
            solar.append(one(harness, metrics.SOLAR))
            export.append(one(harness, metrics.GRID_EXPORT))
    assert low == fast == connected == {0, 1}
    assert 0 in solar
    assert max(solar) > 2000
    assert max(export) > 500


def test_what_flowed_today_does_not_depend_on_when_the_collector_started(collector_harness):
    early, late = collector_harness(DemoSolix), collector_harness(DemoSolix)
    early.clock.wall_time, late.clock.wall_time = MONDAY, MONDAY + 20 * HOUR
    for _ in range(10):
        early.run(advance=2 * HOUR)
    late.run()
    ours, theirs = early.series(metrics.ENERGY_TODAY), late.series(metrics.ENERGY_TODAY)
    assert ours == pytest.approx(theirs, rel=0.01, abs=1e5)
    assert max(ours.values()) > 1e7
    early.run(advance=5 * HOUR)
    assert all(joules < ours[flow] for flow, joules in early.series(metrics.ENERGY_TODAY).items() if ours[flow] > 1e7)


def test_it_says_how_long_a_battery_lasts():
    seconds = [value for harness in day(MONDAY + 24 * HOUR) for value in harness.series(metrics.REMAINING).values()]
    assert seconds
    assert all(0 < value < 48 * HOUR for value in seconds)


def test_every_metric_has_series_at_some_time():
    seen = {
        metric.name for harness in day(MONDAY + 24 * HOUR) for metric in DemoSolix.metrics if harness.series(metric)
    }
    assert {metric.name for metric in DemoSolix.metrics} - seen == set()
