"""A time that never jumps."""

from __future__ import annotations

from collector_core import Clock


class SteadyClock:
    """Seconds since 1970 by the wall clock as it was at the start, plus the time that has passed since."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.time() - clock.monotonic()

    def now(self) -> float:
        """The time."""
        return self._offset + self._clock.monotonic()
