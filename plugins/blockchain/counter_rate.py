"""Growth per second of other programs' counters, which begin anew when those do and may slip once."""

from __future__ import annotations

from collector_core import ForeignCounter


class CounterRate:
    """Growth per second between two readings; unknown at the first one, and while a reading is in doubt."""

    def __init__(self) -> None:
        self._counter = ForeignCounter()
        self._before: tuple[float, float] | None = None

    def record(self, value: float, now: float) -> float | None:
        """The growth per second since the reading before; `now` in monotonic seconds."""
        total = self._counter.record(value, now)
        if self._counter.in_doubt:
            return None
        before, self._before = self._before, (total, now)
        if before is None or now <= before[1]:
            return None
        return (total - before[0]) / (now - before[1])
