"""Who holds a port is named, and no child keeps it."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from collector_core.errors import StartupError
from collector_core.web.listeners import bind
from collector_core.web.port_holder import port_holder


def test_the_process_that_listens_is_named():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert port_holder(port).startswith(f"process {os.getpid()} (")
    assert port_holder(port) == ""


def test_what_cannot_be_read_is_nobody(tmp_path):
    assert port_holder(9877, tmp_path) == ""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_bytes(b"head\n0: 0100007F:2695 0 0A\n\xff\n")
    assert port_holder(9877, tmp_path) == ""


def test_a_port_in_use_says_by_whom():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StartupError) as caught:
            bind("127.0.0.1", port)
    assert f"Address already in use by process {os.getpid()} (" in str(caught.value)


FORKS = """
import os, time
from collector_core.web.listeners import bind
[listener] = bind("127.0.0.1", 0)
listener.listen()
child = os.fork()
if child == 0:
    time.sleep(600)
print(listener.getsockname()[1], child, flush=True)
time.sleep(600)
"""


def can_listen(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_a_forked_worker_does_not_keep_the_port_after_the_end_of_its_parent():
    with subprocess.Popen([sys.executable, "-c", FORKS], stdout=subprocess.PIPE, text=True) as program:
        port, child = map(int, program.stdout.readline().split())
        program.kill()
        program.wait()
        try:
            assert any(can_listen(port) or time.sleep(0.05) for _ in range(1200))
            os.kill(child, 0)  # it is still there
        finally:
            os.kill(child, signal.SIGKILL)
