"""Keeps CPUs busy, for a calibration."""

from __future__ import annotations

import os
import subprocess
import sys
from types import TracebackType
from typing import Self

# Ends by itself when its parent is gone, however that came.
_BURN = "import os\nwhile os.getppid() == {parent}:\n    for _ in range(1_000_000):\n        pass\n"


class Load:
    """So many processes that do nothing but compute; leaving the `with` block ends them."""

    def __init__(self, processes: int) -> None:
        self._wanted = processes
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        command = [sys.executable, "-I", "-S", "-c", _BURN.format(parent=os.getpid())]
        try:
            for _ in range(self._wanted):
                self._running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))  # noqa: S603 - our own words
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()
        self._running.clear()


def load_levels(cpus: int, steps: int) -> list[int]:
    """Numbers of CPUs to keep busy: from none to all, evenly, at most `steps` after idle."""
    return sorted({round(cpus * step / steps) for step in range(steps + 1)})
