"""Where time comes from."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where a collector gets its time from; tests inject their own."""

    def monotonic(self) -> float:
        """Seconds that never run backwards and go on during suspend."""

    def time(self) -> float:
        """Seconds since 1970 (wall clock); may jump."""


class SystemClock:
    """The machine's clocks. CLOCK_BOOTTIME counts suspend, so a laptop's sleep is seen as the gap it is."""

    _ID = getattr(time, "CLOCK_BOOTTIME", None)

    def monotonic(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic() if self._ID is None else time.clock_gettime(self._ID)

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time()
