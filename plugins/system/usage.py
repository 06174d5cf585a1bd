"""How busy the CPUs were between two readings."""

from __future__ import annotations

from collections.abc import Mapping

from collector_plugins.system.source import IDLE_MODES, CpuTimes

_ALL = ""


class CpuUsage:
    """Ratios (0 to 1) of the time not idle to all time, from differences of our own; waiting for I/O is idle.

    A CPU has none in the first reading, nor where its counters fell or stood still; while the clock does not
    advance nobody has, and the reading before stays the one to compare with.
    """

    def __init__(self) -> None:
        self._at: float | None = None
        self._before: dict[str, tuple[float, float]] = {}

    def update(self, now: float, times: CpuTimes) -> tuple[float | None, Mapping[str, float]]:
        """Take a reading at `now` (seconds, monotonic): the ratio of all CPUs together, and of each by name."""
        if self._at is not None and now <= self._at:
            return None, {}
        self._at = now
        idle = [mode in IDLE_MODES for mode in times.modes]
        before, self._before = self._before, {cpu: _split(row, idle) for cpu, row in times.cores.items()}
        self._before[_ALL] = _split(times.total, idle)
        ratios = {cpu: _ratio(before[cpu], after) for cpu, after in self._before.items() if cpu in before}
        known = {cpu: ratio for cpu, ratio in ratios.items() if ratio is not None}
        return known.pop(_ALL, None), known


def _split(row: tuple[float, ...], idle: list[bool]) -> tuple[float, float]:
    """Busy and idle seconds. Both are sums of what was read: a difference of sums would bring its rounding with it."""
    busy = waiting = 0.0
    for seconds, is_idle in zip(row, idle, strict=False):
        if is_idle:
            waiting += seconds
        else:
            busy += seconds
    return busy, waiting


def _ratio(before: tuple[float, float], after: tuple[float, float]) -> float | None:
    busy, idle = after[0] - before[0], after[1] - before[1]
    return busy / (busy + idle) if busy >= 0 and idle >= 0 and busy + idle > 0 else None
