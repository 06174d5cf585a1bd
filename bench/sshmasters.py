"""The other way to ask many hosts: the ssh program, with one master process per host that keeps the connection."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.sshd import ADDRESS, Sshd

_START_SECONDS = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Masters:
    """So many `ssh -M` to one server; leaving the `with` block ends them."""

    def __init__(self, server: Sshd, hosts: int) -> None:
        self._sockets = [server.folder / f"master{number}" for number in range(hosts)]
        self._options = [
            *("-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"),
            *("-o", f"UserKnownHostsFile={server.known_hosts}", "-i", str(server.identity), "-p", str(server.port)),
        ]
        self._destination = f"{server.user}@{ADDRESS}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        for socket in self._sockets:
            command = ["ssh", *self._options, "-M", "-N", "-S", str(socket), self._destination]
            self._processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + _START_SECONDS
        while not all(socket.exists() for socket in self._sockets):
            if time.monotonic() > deadline:
                raise RuntimeError("not every master has connected")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()

    def cycle(self, command: str) -> tuple[float, float]:
        """Run `command` on all hosts at once; returns seconds of wall time and of CPU, ours, clients' and masters'."""
        started, before = time.perf_counter(), self._cpu_seconds()
        asyncio.run(self._ask_all(command))
        return time.perf_counter() - started, self._cpu_seconds() - before

    def pss_bytes(self) -> int:
        """Memory of all masters, each shared page divided by the number of its users."""
        texts = [Path(f"/proc/{process.pid}/smaps_rollup").read_text() for process in self._processes]
        return sum(int(kib) for text in texts for kib in re.findall(r"^Pss:\s+(\d+) kB$", text, re.MULTILINE)) * 1024

    async def _ask_all(self, command: str) -> None:
        answers = await asyncio.gather(*(self._ask(socket, command) for socket in self._sockets))
        if not all(answers):
            raise RuntimeError("not every host answered")

    async def _ask(self, socket: Path, command: str) -> bytes:
        arguments = [*self._options, "-S", str(socket), self._destination, command]
        process = await asyncio.create_subprocess_exec("ssh", *arguments, stdout=subprocess.PIPE)
        output, _ = await process.communicate()
        return output

    def _cpu_seconds(self) -> float:
        times = os.times()
        own = times.user + times.system + times.children_user + times.children_system
        return own + sum(_cpu_seconds(process.pid) for process in self._processes)


def _cpu_seconds(pid: int) -> float:
    fields: Sequence[str] = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
