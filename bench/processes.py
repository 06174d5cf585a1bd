"""Starts a program, tells its CPU time and memory, and ends it."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

_CPUCLOCK_SCHED = 2
_STOP_SECONDS = 5.0


class Process:
    """A running program; leaving the `with` block ends it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self.started = time.perf_counter()
        self._popen = subprocess.Popen(
            command, env={**os.environ, **(environment or {})}, stdout=self._output, stderr=subprocess.STDOUT
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def output(self) -> str:
        """What it has written so far."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def cpu_seconds(self) -> float:
        """CPU time of all its threads, those that ended too, in nanosecond steps.

        The clock is that of clock_getcpuclockid(3): the inverted process id above three bits for the kind.
        """
        return time.clock_gettime((~self._popen.pid << 3) | _CPUCLOCK_SCHED)

    def rss_bytes(self) -> int:
        """Resident memory, with pages of files that other programs share."""
        return self._kibibytes("status", "VmRSS") * 1024

    def pss_bytes(self) -> int:
        """Resident memory, each shared page divided by the number of its users."""
        return self._kibibytes("smaps_rollup", "Pss") * 1024

    def stop(self) -> None:
        """End it, gently at first."""
        self._popen.terminate()
        try:
            self._popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._output.close()

    def _kibibytes(self, file: str, key: str) -> int:
        text = Path(f"/proc/{self._popen.pid}/{file}").read_text(encoding="ascii")
        match = re.search(rf"^{key}:\s+(\d+) kB$", text, re.MULTILINE)
        if match is None:
            raise ValueError(f"no {key} in {file}")
        return int(match[1])
