"""The running program tells systemd what it does, over a real socket."""

import signal
import socket

import pytest


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "notify"))
        server.settimeout(30)
        yield server


def states(server, until):
    """What arrives, up to and with the first datagram that begins so."""
    seen = []
    while not seen or not seen[-1].startswith(until):
        seen.append(server.recv(4096).decode())
    return seen


def test_a_service_is_ready_lives_reloads_and_stops(collector, manager, tmp_path):
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
    program = collector("collectors:\n  system: {}\n", env=environment)
    assert states(manager, "READY=1") == ["READY=1\nSTATUS=1 collectors run"]
    states(manager, "WATCHDOG=1")
    states(manager, "WATCHDOG=1")
    program.signal(signal.SIGHUP)
    states(manager, "RELOADING=1\nMONOTONIC_USEC=")
    assert states(manager, "READY=1")[-1] == "READY=1\nSTATUS=1 collectors run"
    (tmp_path / "config.yaml").write_text("collectors: [")
    program.signal(signal.SIGHUP)
    states(manager, "RELOADING=1")
    assert "configuration is invalid" in states(manager, "READY=1")[-1]
    program.process.terminate()
    states(manager, "STOPPING=1")
    assert program.process.wait(30) == 0
