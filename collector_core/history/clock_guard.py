"""Time that was recorded already: what a clock that is set back would record once more."""

from __future__ import annotations

JUMP = 2000  # milliseconds by which the wall clock may differ from the monotonic one between two readings
MOST_PERIODS = 100


class ClockGuard:
    """Tells which readings are of a time before the clock was set, in which there are readings already.

    `recorded` is the period that a process before has recorded, where it reaches into the future. Times are in
    milliseconds.
    """

    def __init__(self, recorded: tuple[int, int] | None = None) -> None:
        self._recorded = [recorded] if recorded else []
        self._start = self._last = 0
        self._offset: int | None = None

    def until(self, time: int, monotonic: int) -> int:
        """0 where a reading may be kept, else the time up to which there are readings already."""
        offset = time - monotonic
        if self._offset is None:
            self._start = self._last = time
        elif abs(offset - self._offset) > JUMP:
            self._recorded = [*self._recorded, (self._start, self._last)][-MOST_PERIODS:]
            self._start = self._last = time
        self._offset = offset
        self._last = max(self._last, time)
        return max((end for start, end in self._recorded if start <= time <= end), default=0)
