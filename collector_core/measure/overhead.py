"""What measuring costs: found once, by measuring nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

BLOCKS = 20


class Cost(NamedTuple):
    """What one measurement sees of itself, in seconds: of the duration, of CPU time, and of each meter's window."""

    duration: float = 0.0
    cpu: float = 0.0
    windows: tuple[float, ...] = ()

    def of(self, place: int) -> float:
        """The window of one meter."""
        return self.windows[place] if self.windows else 0.0


def calibrate(measure_nothing: Callable[[], Cost]) -> Cost:
    """The usual cost; the first blocks, which fill caches, do not count for much."""
    costs: Sequence[Cost] = [measure_nothing() for _ in range(BLOCKS)]
    windows = zip(*(cost.windows for cost in costs), strict=True)
    return Cost(
        median(cost.duration for cost in costs),
        median(cost.cpu for cost in costs),
        tuple(median(window) for window in windows),
    )
