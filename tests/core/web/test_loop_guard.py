"""The event loop of the web server is watched: a silence is named, counted once, and its end told."""

import logging
import threading

import pytest

from collector_core.web.loop_guard import PERIOD_SECONDS, STALL_SECONDS, LoopGuard


class SlowLoop:
    """An event loop that answers when the test says so."""

    def __init__(self):
        self.asked = []

    def call_soon_threadsafe(self, answer):
        self.asked.append(answer)


@pytest.fixture
def guarded():
    loop, stalls = SlowLoop(), []
    return LoopGuard(loop, threading.get_ident(), lambda: stalls.append(1)), loop, stalls


def test_a_loop_that_answers_is_asked_again_after_a_while(guarded):
    guard, loop, stalls = guarded
    assert guard.tick(10.0) == 10.0 + STALL_SECONDS
    loop.asked.pop()()
    due = guard.tick(10.25)
    assert due == 10.25 + PERIOD_SECONDS
    guard.tick(due)
    assert (len(loop.asked), stalls) == (1, [])


def test_a_loop_that_stands_still_is_named_with_its_place_and_counted_once(guarded, caplog):
    caplog.set_level(logging.INFO)
    guard, loop, stalls = guarded
    guard.tick(10.0)
    assert guard.tick(10.1) == 10.25  # the watchdog came early
    for now in (10.25, 10.5, 12.0):
        guard.tick(now)
    assert stalls == [1]
    assert caplog.text.count("has stood still for 0.25 s (") == 1
    assert "test_loop_guard.py" in caplog.text or "loop_guard.py" in caplog.text
    loop.asked.pop()()
    guard.tick(12.5)
    assert "turns again, after at most 2.5 s" in caplog.text


def test_each_silence_counts(guarded):
    guard, loop, stalls = guarded
    now = 0.0
    for _ in range(3):
        now = guard.tick(now)
        now = guard.tick(now)
        loop.asked.pop()()
        now = guard.tick(now)
    assert len(stalls) == 3
