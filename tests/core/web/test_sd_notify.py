"""What systemd is told, over real datagram sockets."""

import os
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.web.sd_notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """A socket as systemd's, and its name in NOTIFY_SOCKET."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@collector-test-{os.getpid()}-{time.time_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(name.replace("@", "\0", 1) if request.param == "abstract" else name)
        server.settimeout(5)
        yield server, name


def test_states_are_sent_as_the_protocol_says(manager):
    server, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.ready("3 collectors")
    notifier.alive()
    notifier.stopping()
    assert [server.recv(4096) for _ in range(3)] == [b"READY=1\nSTATUS=3 collectors", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_reload_says_when_it_began(manager):
    server, name = manager
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    Notifier({"NOTIFY_SOCKET": name}).reloading()
    first, second = server.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) >= before


def test_signs_of_life_come_twice_as_often_as_they_must(manager):
    _, name = manager
    environment = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "60000000"}
    assert Notifier(environment).watchdog_interval == 30
    assert Notifier(environment | {"WATCHDOG_PID": str(os.getpid())}).watchdog_interval == 30
    assert Notifier(environment | {"WATCHDOG_PID": "1"}).watchdog_interval is None
    assert Notifier({"WATCHDOG_USEC": "60000000"}).watchdog_interval is None


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_without_a_manager_nothing_happens(environment, caplog):
    notifier = Notifier(environment)
    notifier.ready("here")
    notifier.alive()
    assert notifier.watchdog_interval is None
    assert caplog.text == ""


def test_a_manager_that_is_gone_is_logged_once(tmp_path, caplog):
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    for _ in range(3):
        notifier.alive()
    assert len(caplog.records) == 1
    assert "cannot notify the service manager of WATCHDOG=1" in caplog.text


@given(st.text(), st.text(), st.text())
def test_any_environment_is_read(name, usec, pid):
    interval = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": usec, "WATCHDOG_PID": pid}).watchdog_interval
    assert interval is None or interval > 0
