"""How busy the CPUs were between two readings."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress

from collector_plugins.system.source import IDLE_MODES, CpuTimes

_ALL = ""

Times = tuple[float, float]


class CpuUsage:
    """Ratios (0 to 1) of the time not idle to all time, from differences of our own; waiting for I/O is idle.

    A CPU has none in the first reading, nor where its counters began anew or stood still; that of all CPUs together is
    then the ratio of those that went on. While the clock does not advance nobody has, and the reading before stays the
    one to compare with.
    """

    def __init__(self) -> None:
        self._at: float | None = None
        self._before: dict[str, Times] = {}

    def update(self, now: float, times: CpuTimes) -> tuple[float | None, Mapping[str, float]]:
        """Take a reading at `now` (seconds, monotonic): the ratio of all CPUs together, and of each by name."""
        if self._at is not None and now <= self._at:
            return None, {}
        self._at = now
        idle = [mode in IDLE_MODES for mode in times.modes]
        busy = [not each for each in idle]
        before, self._before = self._before, {cpu: _split(row, busy, idle) for cpu, row in times.cores.items()}
        self._before[_ALL] = _split(times.total, busy, idle)
        grown = {cpu: _growth(before[cpu], after) for cpu, after in self._before.items() if cpu in before}
        total = grown.pop(_ALL, None)
        known = {cpu: growth for cpu, growth in grown.items() if growth is not None}
        if total is None:
            total = sum(busy for busy, _ in known.values()), sum(idle for _, idle in known.values())
        return _ratio(total), {cpu: ratio for cpu, growth in known.items() if (ratio := _ratio(growth)) is not None}


def _split(row: tuple[float, ...], busy: list[bool], idle: list[bool]) -> Times:
    """Busy and idle seconds. Both are sums of what was read: a difference of sums would bring its rounding with it."""
    return sum(compress(row, busy)), sum(compress(row, idle))


def _growth(before: Times, after: Times) -> Times | None:
    busy, idle = after[0] - before[0], after[1] - before[1]
    return (busy, idle) if busy >= 0 and idle >= 0 else None


def _ratio(grown: Times) -> float | None:
    return grown[0] / sum(grown) if sum(grown) > 0 else None
