"""The watchdog looks after all, whatever one of them does."""

import threading

from collector_core.engine.ticker import LONGEST_SLEEP, Watchdog
from collector_core.model.clock import SystemClock
from collector_core.testing import FakeClock


class Every:
    def __init__(self, interval, fail=False):
        self.interval, self.fail, self.times = interval, fail, []
        self.ticked = threading.Event()

    def tick(self, now):
        self.times.append(now)
        self.ticked.set()
        if self.fail:
            raise RuntimeError("no")
        return now + self.interval


def test_each_is_called_when_it_is_due_and_not_before():
    clock = FakeClock(monotonic_time=0)
    watchdog = Watchdog(clock)
    fast, slow = Every(1), Every(10)
    watchdog.replace([fast, slow])
    for _ in range(20):
        watchdog.tick()
        clock.advance(1)
    assert len(fast.times) == 20
    assert slow.times == [0, 10]


def test_one_that_raises_stops_no_other(caplog):
    clock = FakeClock(monotonic_time=0)
    watchdog = Watchdog(clock)
    bad, good = Every(1, fail=True), Every(1)
    watchdog.replace([bad, good])
    for _ in range(5):
        watchdog.tick()
        clock.advance(1)
    assert len(good.times) == 5
    assert "tick failed" in caplog.text


def test_the_time_to_sleep_is_that_to_the_next_due():
    clock = FakeClock(monotonic_time=0)
    watchdog = Watchdog(clock)
    watchdog.replace([Every(0.25), Every(10)])
    assert watchdog.tick() == 0.25
    watchdog.replace([Every(10)])
    watchdog.tick()
    assert 0 < watchdog.tick() <= LONGEST_SLEEP


def test_what_stays_on_the_watchdog_keeps_its_time():
    clock = FakeClock(monotonic_time=0)
    watchdog = Watchdog(clock)
    kept = Every(10)
    watchdog.replace([kept])
    watchdog.tick()
    watchdog.replace([kept, Every(1)])
    watchdog.tick()
    assert kept.times == [0]


def test_the_thread_starts_wakes_for_new_work_and_stops():
    watchdog = Watchdog(SystemClock())
    assert not watchdog.alive
    watchdog.start()
    assert watchdog.alive
    new = Every(60)
    watchdog.replace([new])
    assert new.ticked.wait(5)
    watchdog.stop()
    assert not watchdog._thread.is_alive()
