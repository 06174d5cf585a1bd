"""Whether a chain stands still: what only several readings can tell."""

from __future__ import annotations

SHORTEST_STALL = 60.0  # seconds
STALL_INTERVALS = 10.0  # so many times the usual time from block to block


class HeadAge:
    """Since when the newest block has been the newest one, by our own clock (monotonic seconds)."""

    def __init__(self) -> None:
        self._head = ""
        self._since = 0.0

    def record(self, head: str, now: float, age: float) -> float:
        """How long, in seconds, the head has stood still; at the first reading that is its `age`."""
        if head != self._head:
            self._since = now if self._head else now - age
            self._head = head
        return now - self._since


def stall_after(option: float | None, interval: float | None) -> float:
    """Seconds without a block after which a chain counts as stalled; `interval` is the mean from block to block."""
    return option if option is not None else max(SHORTEST_STALL, STALL_INTERVALS * (interval or 0.0))
