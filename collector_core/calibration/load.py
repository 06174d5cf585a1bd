"""Keeps CPUs busy, for a calibration."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from types import TracebackType
from typing import Self

# Ends by itself when its parent is gone, however that came.
_BURN = "import os\nwhile os.getppid() == {parent}:\n    for _ in range(1_000_000):\n        pass\n"

SMOOTH = 0.01  # of the range of the watts: less than that off a line is chance


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


def bending_level(watts: Mapping[int, float]) -> int | None:
    """The number of CPUs at which one more measurement tells most of a curve; None where none is left in between.

    `watts` is what was measured so far, by the number of busy CPUs. A gap is worth more the further its ends are off
    the straight lines between their neighbours: there the curve bends, as where the clock changes. On a straight
    curve the widest gap is halved.
    """
    levels = sorted(watts)
    reach = max(watts.values(), default=0.0) - min(watts.values(), default=0.0)
    off = {
        middle: _off_the_line(watts, low, middle, high)
        for low, middle, high in zip(levels, levels[1:], levels[2:], strict=False)
    }

    def worth(gap: tuple[int, int]) -> float:
        low, high = gap
        bend = off.get(low, off.get(high, 0.0)) + off.get(high, off.get(low, 0.0))
        return (bend + SMOOTH * reach) * (high - low)

    gaps = [(low, high) for low, high in pairwise(levels) if high - low > 1]
    if not gaps:
        return None
    low, high = max(gaps, key=worth)
    return (low + high) // 2


def _off_the_line(watts: Mapping[int, float], low: int, middle: int, high: int) -> float:
    line = watts[low] + (watts[high] - watts[low]) * (middle - low) / (high - low)
    return abs(watts[middle] - line)
