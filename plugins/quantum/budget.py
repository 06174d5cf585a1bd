"""CPU time that measuring may take, by the clock of the thread that measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Stopwatch = Callable[[], float]


@dataclass
class CpuBudget:
    """Shares `seconds` of CPU time evenly among `tasks`; `stopwatch` tells the CPU time of the calling thread."""

    seconds: float
    tasks: int
    stopwatch: Stopwatch

    def mean_time(self, operation: Callable[[], object]) -> float:
        """Mean CPU time in seconds of an operation, repeated for one task's share: at least once, after a warm-up."""
        share = self.seconds / max(1, self.tasks)
        began = self.stopwatch()
        operation()
        started, repeats = self.stopwatch(), 0
        while True:
            operation()
            repeats += 1
            now = self.stopwatch()
            if now - began >= share:
                return (now - started) / repeats
