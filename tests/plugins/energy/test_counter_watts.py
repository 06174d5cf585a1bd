"""The power of counters that say no time: while they grow, when they stop, when they begin anew."""

from __future__ import annotations

import pytest

from collector_plugins.energy.counter_watts import LONGEST_STOP_SECONDS, CounterWatts


@pytest.mark.parametrize(("pause", "ends_by"), [(1, 12), (5, 16), (30, 91), (300, 300 + LONGEST_STOP_SECONDS)])
def test_a_counter_that_stops_draws_nothing_after_three_of_its_pauses(pause: int, ends_by: float) -> None:
    counter, times = CounterWatts(), range(10 * pause + 1)
    seen = [counter.update("heavy", 500.0 * (now - now % pause), now) for now in times]
    assert seen[0] is None
    assert seen[2 * pause :: pause] == [500.0] * 9
    last = times[-1]
    assert counter.update("heavy", 500.0 * last, last + min(pause, 9)) == 500.0
    assert counter.update("heavy", 500.0 * last, last + ends_by) == 0.0


def test_between_two_readings_it_goes_on() -> None:
    counter = CounterWatts()
    seen = [counter.update("light", 40.0 * (now // 15), now) for now in range(100)]
    assert set(seen[30:]) == {40.0 / 15}


def test_what_goes_on_later_is_spread_over_the_pause() -> None:
    counter = CounterWatts()
    for now, joules in ((0, 0.0), (1, 100.0), (2, 200.0), (60, 200.0)):
        counter.update("batch", joules, now)
    assert counter.update("batch", 780.0, 60) == 10.0


def test_a_counter_that_begins_anew_is_not_known() -> None:
    counter = CounterWatts()
    assert [counter.update("guest", joules, now) for now, joules in enumerate((50.0, 90.0, 10.0, 30.0))] == [
        None,
        40.0,
        None,
        20.0,
    ]


def test_what_is_gone_is_forgotten() -> None:
    counter = CounterWatts()
    counter.update("gone", 1.0, 0)
    counter.keep(set())
    assert counter.update("gone", 900.0, 1) is None
