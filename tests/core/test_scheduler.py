"""The wheel turns for all, whatever one of them does."""

import threading

from collector_core.collector import SystemClock
from collector_core.scheduler import LONGEST_SLEEP, Scheduler
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
    wheel = Scheduler(clock)
    fast, slow = Every(1), Every(10)
    wheel.replace([fast, slow])
    for _ in range(20):
        wheel.turn()
        clock.advance(1)
    assert len(fast.times) == 20
    assert slow.times == [0, 10]


def test_one_that_raises_stops_no_other(caplog):
    clock = FakeClock(monotonic_time=0)
    wheel = Scheduler(clock)
    bad, good = Every(1, fail=True), Every(1)
    wheel.replace([bad, good])
    for _ in range(5):
        wheel.turn()
        clock.advance(1)
    assert len(good.times) == 5
    assert "tick failed" in caplog.text


def test_the_time_to_sleep_is_that_to_the_next_due():
    clock = FakeClock(monotonic_time=0)
    wheel = Scheduler(clock)
    wheel.replace([Every(0.25), Every(10)])
    assert wheel.turn() == 0.25
    wheel.replace([Every(10)])
    wheel.turn()
    assert 0 < wheel.turn() <= LONGEST_SLEEP


def test_what_stays_on_the_wheel_keeps_its_time():
    clock = FakeClock(monotonic_time=0)
    wheel = Scheduler(clock)
    kept = Every(10)
    wheel.replace([kept])
    wheel.turn()
    wheel.replace([kept, Every(1)])
    wheel.turn()
    assert kept.times == [0]


def test_the_thread_starts_wakes_for_new_work_and_stops():
    wheel = Scheduler(SystemClock())
    assert not wheel.alive
    wheel.start()
    assert wheel.alive
    new = Every(60)
    wheel.replace([new])
    assert new.ticked.wait(5)
    wheel.stop()
    assert not wheel._thread.is_alive()
