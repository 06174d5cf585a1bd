"""Servers in the background that end with the tests, whatever becomes of these."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

STOP_SECONDS = 60
START_SECONDS = 60
# Starts a server in the background of a shell that ends, so that it is no child of the tests: these measure what is
# below them. It is stopped when the other end of standard input is closed, at the latest with the process of the tests.
KEEPER = """
exec 3<&0
signal=$1; shift
{ "$@" </dev/null >/dev/null 2>&1 3<&- & echo $!; exec >/dev/null; cat <&3; kill -$signal $!; } &
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class BackgroundServer:
    """A server that is running; `end_signal` is what it is stopped with."""

    def __init__(self, command, folder, *, end_signal="INT", **options):
        shell = subprocess.Popen(
            ["sh", "-c", KEEPER, "keeper", end_signal, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            **options,
        )
        self._lifeline = shell.stdin
        with shell.stdout as told:
            self._pid = int(told.readline())
        shell.wait(START_SECONDS)

    def stop(self):
        """Have it end as its users do, and wait for that."""
        self._lifeline.close()
        self._wait_until_ended()

    def crash(self):
        """End it at once, whatever is going on."""
        os.kill(self._pid, signal.SIGKILL)
        self._wait_until_ended()
        self._lifeline.close()

    def has_ended(self):
        """Whether it is gone, or only its keeper has not noticed yet."""
        try:
            return Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    def _wait_until_ended(self):
        deadline = time.monotonic() + STOP_SECONDS
        while not self.has_ended():
            assert time.monotonic() < deadline, "the server does not end"
            time.sleep(0.02)
