"""A warm interpreter: it has imported what every start imports, and forks a process for each command.

What runs is the real program in a process of its own, with its own arguments, environment, output and exit code; only
the second of CPU time that imports take is not spent anew. A start that is itself the matter takes a new interpreter.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from collector_core.cli import main
from collector_core.cli.commands import COMMANDS

REQUEST_BYTES = 1 << 20


class WarmInterpreter:
    """Starts processes from an interpreter that waits; ends it when closed."""

    def __init__(self, folder: Path) -> None:
        self._address = str(folder / "warm.sock")
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.warm", self._address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert self._server.stdout
        assert self._server.stdout.read(1) == b"!", "the warm interpreter does not start"

    def close(self) -> None:
        """What it started lives on, as with any parent."""
        with self._server:
            pass

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], out: int, err: int) -> WarmProcess:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, REQUEST_BYTES)
        connection.connect(self._address)
        request = {"arguments": [*arguments], "environment": {**environment}, "folder": str(Path.cwd())}
        socket.send_fds(connection, [json.dumps(request).encode()], [out, err])
        return WarmProcess(arguments, connection)


class WarmProcess:
    """The part of `subprocess.Popen` that tests use, for a process that the warm interpreter forked."""

    def __init__(self, arguments: Sequence[str], connection: socket.socket) -> None:
        self.args = arguments
        self.returncode: int | None = None
        self.stdout: Any = None
        self._connection = connection
        self.pid = int(connection.recv(20))

    def poll(self) -> int | None:
        return self._ended(0.0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self.returncode = int(self._connection.recv(20))
            except (TimeoutError, BlockingIOError):
                return None
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def can_start(environment: Mapping[str, str]) -> bool:
    """Whether a process with these additional variables needs no interpreter of its own."""
    places = [Path(place) for place in environment.get("PYTHONPATH", "").split(os.pathsep)]
    fixed = [name for name in environment if name.startswith("PYTHON") and name != "PYTHONPATH"]
    return not fixed and not any((place / "sitecustomize.py").exists() for place in places)


def import_all() -> None:
    for command in COMMANDS:
        importlib.import_module(f"collector_core.cli.{command.replace('-', '_')}")
    for plugin in entry_points(group="collector_core"):
        if plugin.value.startswith("collector_plugins."):
            importlib.import_module(plugin.value)
    gc.collect()
    gc.freeze()


class Starter:
    """Forks for each request, and tells who asked when the process has ended."""

    def __init__(self, address: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(address)
        self._listener.listen(64)
        self._woken, self._wake = socket.socketpair()
        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._askers: dict[int, socket.socket] = {}

    def serve(self) -> dict[str, Any]:
        """Until the standard input ends; returns in each child, with its request."""
        os.write(1, b"!")
        while True:
            ready, _, _ = select.select([self._listener, self._woken, sys.stdin], [], [])
            if sys.stdin in ready:
                os._exit(0)
            if self._woken in ready:
                self._woken.recv(4096)
                self._tell_ended()
            if self._listener in ready and (request := self._fork()):
                return request

    def _fork(self) -> dict[str, Any] | None:
        """The request, in the child."""
        asker, _ = self._listener.accept()
        body, descriptors, _, _ = socket.recv_fds(asker, REQUEST_BYTES, 2)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for used in (self._listener, self._woken, self._wake, asker, *self._askers.values()):
                used.close()
            return {**json.loads(body), "descriptors": descriptors}
        for descriptor in descriptors:
            os.close(descriptor)
        self._askers[pid] = asker
        asker.send(str(pid).encode())
        return None

    def _tell_ended(self) -> None:
        while self._askers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            with self._askers.pop(pid) as asker, suppress(OSError):  # nobody may wait for it any more
                asker.send(str(os.waitstatus_to_exitcode(status)).encode())


def become(request: dict[str, Any]) -> None:
    """Be the process that was asked for, as if a new interpreter had started."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, standard in zip((nothing, *request["descriptors"]), (0, 1, 2), strict=True):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = [str(Path(sys.executable).with_name("energy-collector")), *request["arguments"]]
    sys.path[:1] = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    importlib.invalidate_caches()


if __name__ == "__main__":
    import_all()
    become(Starter(sys.argv[1]).serve())
    sys.exit(main())
