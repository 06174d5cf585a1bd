"""The thread that looks while something is measured, and rests otherwise."""

import threading

import pytest

from collector_core.measure.sampler import Sampler


class Watched:
    def __init__(self):
        self.seen = []

    def record_sample(self, look):
        self.seen.append(look)


@pytest.fixture
def sampler(monkeypatch):
    monkeypatch.setattr("collector_core.measure.sampler.INTERVAL_SECONDS", 0.005)
    monkeypatch.setattr("collector_core.measure.sampler.REST_AFTER", 2)
    looks = []

    def look():
        looks.append(1)
        return len(looks)

    sampler = Sampler(look)
    sampler.looks = looks
    yield sampler
    sampler.stop()


def test_all_that_is_watched_is_seen_until_it_is_not(sampler, eventually):
    first, second = Watched(), Watched()
    sampler.add(first)
    sampler.add(second)
    eventually(lambda: len(first.seen) > 2 and len(second.seen) > 2)
    sampler.remove(first)
    seen = len(first.seen)
    eventually(lambda: len(second.seen) > seen + 5)
    assert len(first.seen) <= seen + 1
    sampler.remove(second)
    sampler.remove(second)


def test_it_rests_while_nothing_is_watched_and_wakes_for_the_next(sampler, eventually):
    for _ in range(5):
        watched = Watched()
        sampler.add(watched)
        eventually(lambda: watched.seen)  # noqa: B023
        sampler.remove(watched)
        eventually(lambda: sampler._resting)
        looked = len(sampler.looks)
        assert not threading.Event().wait(0.05)
        assert len(sampler.looks) == looked


def test_one_thread_serves_all_and_ends_with_it(sampler, eventually):
    for _ in range(20):
        watched = Watched()
        sampler.add(watched)
        sampler.remove(watched)
    threads = [thread for thread in threading.enumerate() if thread.name == "energy-sampler"]
    assert len(threads) == 1
    sampler.stop()
    assert not threads[0].is_alive()
    sampler.add(Watched())
    assert not threads[0].is_alive()


def test_a_look_in_between_is_shown_to_all(sampler):
    watched = Watched()
    sampler.add(watched)
    sampler.sample()
    sampler.stop()
    assert watched.seen
