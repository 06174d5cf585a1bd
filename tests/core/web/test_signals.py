"""Signals are obeyed whatever the event loop does; reloads are shared."""

import signal
import subprocess
import sys
import threading

import pytest

from collector_core.web.reloads import Reloads

STUCK = """
import sys, time
from collector_core.web import signals
signals.STOP_SECONDS = float(sys.argv[1])
signals.Signals(lambda: print("stop", flush=True), lambda: print("reload", flush=True)).watch()
print("ready", flush=True)
time.sleep(3600)
"""


@pytest.fixture
def stuck():
    """Starts a program whose main thread does nothing any more."""
    programs = []

    def start(seconds):
        command = [sys.executable, "-c", STUCK, str(seconds)]
        programs.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert programs[-1].stdout.readline() == "ready\n"
        return programs[-1]

    yield start
    for program in programs:
        program.kill()
        program.wait()
        program.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_program_that_is_stuck_ends_after_a_while(stuck, number):
    program = stuck(0.1)
    program.send_signal(number)
    assert program.stdout.readline() == "stop\n"
    assert program.wait(60) == 0


def test_a_second_signal_ends_it_at_once(stuck):
    program = stuck(3600)
    program.send_signal(signal.SIGHUP)
    assert program.stdout.readline() == "reload\n"
    program.send_signal(signal.SIGTERM)
    assert program.stdout.readline() == "stop\n"
    program.send_signal(signal.SIGTERM)
    assert program.wait(60) == 1


def test_reloads_that_are_asked_for_while_one_goes_on_share_the_next(gate):
    begun, calls = threading.Semaphore(0), []

    def reload():
        calls.append(1)
        begun.release()
        gate.wait()

    reloads = Reloads(reload)
    first = reloads.request()
    begun.acquire()
    others = {reloads.request() for _ in range(400)}
    assert len(others) == 1
    assert first not in others
    gate.set()
    for future in (first, *others):
        future.result(60)
    assert len(calls) == 2
    reloads.request().result(60)
    assert len(calls) == 3


def test_a_reload_that_fails_says_so_and_the_next_one_works():
    errors = [ValueError("bad file"), SystemExit("enough")]

    def reload():
        if errors:
            raise errors.pop(0)

    reloads = Reloads(reload)
    with pytest.raises(ValueError, match="bad file"):
        reloads.request().result(60)
    with pytest.raises(SystemExit):
        reloads.request().result(60)
    reloads.request().result(60)


def test_whoever_stops_waiting_for_a_reload_ends_it_for_nobody(gate):
    reloads = Reloads(gate.wait)
    asked = reloads.request()
    assert not asked.cancel()
    gate.set()
    asked.result(60)
