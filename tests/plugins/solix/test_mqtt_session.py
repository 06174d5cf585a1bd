"""When an MQTT session is started and replaced."""

import pytest

from collector_core.testing import FakeClock
from collector_plugins.solix.mqtt_session import FIRST_PAUSE, LONGEST_PAUSE, MqttSessionMonitor


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def monitor(clock):
    return MqttSessionMonitor(clock, 360, lambda: 0.0)


def test_a_session_is_started_at_once_and_then_after_pauses(monitor, clock):
    pauses = []
    for _ in range(7):
        assert monitor.needs_start(connected=False)
        monitor.record_failure()
        pause = 0
        while not monitor.needs_start(connected=False):
            clock.advance(1)
            pause += 1
        pauses.append(pause)
    assert pauses == [10, 20, 40, 80, 160, LONGEST_PAUSE, LONGEST_PAUSE]


def test_a_session_that_is_heard_is_left_alone(monitor, clock):
    monitor.record_start()
    for _ in range(100):
        clock.advance(300)
        monitor.record_message()
        assert not monitor.needs_start(connected=True)
    assert (monitor.messages, monitor.restarts) == (100, 0)


def test_a_silent_session_is_given_up_with_growing_patience(monitor, clock):
    monitor.record_start()
    silences = []
    for _ in range(5):
        silence = 0
        while not monitor.needs_start(connected=True):
            clock.advance(1)
            silence += 1
        silences.append(silence)
        monitor.record_start()
    assert silences == [361, 721, 1441, 2881, 3601]
    assert monitor.restarts == 5


def test_the_client_may_connect_again_by_itself_for_a_while(monitor, clock):
    monitor.record_start()
    clock.advance(100)
    assert not monitor.needs_start(connected=True)
    clock.advance(299)
    assert not monitor.needs_start(connected=False)
    clock.advance(2)
    assert monitor.needs_start(connected=False)


def test_what_was_closed_on_purpose_starts_at_once(monitor):
    monitor.record_failure()
    monitor.record_close()
    assert monitor.needs_start(connected=False)


def test_a_broker_that_refused_for_a_day_is_still_asked_and_a_success_clears_its_record(monitor, clock):
    for _ in range(300):
        monitor.record_failure()
        clock.advance(LONGEST_PAUSE)
        assert monitor.needs_start(connected=False)
    monitor.record_start()
    monitor.record_failure()
    assert not monitor.needs_start(connected=False)
    clock.advance(FIRST_PAUSE)
    assert monitor.needs_start(connected=False)
