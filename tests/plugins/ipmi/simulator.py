"""pyghmi's BMC in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path


class Simulator:
    """Listens at `port`, or at one that is free."""

    def __init__(self, *words, port=None):
        self.port = port or _free_port()
        command = [sys.executable, Path(__file__).with_name("bmc.py"), str(self.port), *words]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def _free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
