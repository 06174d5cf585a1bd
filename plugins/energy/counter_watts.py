"""The power of published counters of joules: what they have grown between two looks."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

PAUSES = 3
"""A counter that stands still for so many of its usual pauses has stopped, and draws nothing."""

SHORTEST_STOP_SECONDS, LONGEST_STOP_SECONDS = 10.0, 120.0


class _Growth(NamedTuple):
    joules: float
    time: float
    pause: float = 0.0  # seconds from growth to growth, as they are usual
    watts: float | None = None

    def has_stopped(self, now: float) -> bool:
        stop = min(max(PAUSES * self.pause, SHORTEST_STOP_SECONDS), LONGEST_STOP_SECONDS)
        return now - self.time > stop


class CounterWatts:
    """Follows published counters of joules, which say no time of their own: that of the look that found them grown."""

    def __init__(self) -> None:
        self._last: dict[Hashable, _Growth] = {}

    def update(self, key: Hashable, joules: float, now: float) -> float | None:
        """Watts of a counter at `now` (seconds, monotonic); 0 once it has stopped, None while they are not known."""
        last = self._last.setdefault(key, _Growth(joules, now))
        pause = now - last.time
        if joules != last.joules and pause > 0:
            watts = (joules - last.joules) / pause if joules > last.joules else None
            self._last[key] = _Growth(joules, now, max(pause, last.pause / 2), watts)
            return watts
        return 0.0 if last.watts is not None and last.has_stopped(now) else last.watts

    def keep(self, keys: set[Hashable]) -> None:
        """Forget what is not there any more."""
        self._last = {key: value for key, value in self._last.items() if key in keys}
