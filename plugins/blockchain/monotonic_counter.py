"""Counters of other programs, which begin anew when those do."""

from __future__ import annotations

from math import isfinite


class MonotonicCounter:
    """Goes on from what was reached when the other counter begins anew, so that it never falls."""

    def __init__(self) -> None:
        self._total = 0.0
        self._before = 0.0

    def record(self, value: float) -> float | None:
        """What has been counted in all; None for what no counter can say."""
        if not (isfinite(value) and value >= 0):
            return None
        self._total += value - self._before if value >= self._before else value
        self._before = value
        return self._total


class CounterRate:
    """Growth per second between two readings; unknown at the first one and across a restart."""

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None

    def record(self, value: float, now: float) -> float | None:
        """The growth per second since the reading before; `now` in monotonic seconds."""
        before, self._before = self._before, (value, now)
        if before is None or value < before[0] or now <= before[1]:
            return None
        return (value - before[0]) / (now - before[1])
