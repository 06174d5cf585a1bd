"""The power of published counters of joules: what they have grown between two looks."""

from __future__ import annotations

from collections.abc import Hashable

FORGET_SECONDS = 120.0


class CounterWatts:
    """Follows published counters of joules, which say no time of their own: that of the look that found them grown."""

    def __init__(self) -> None:
        self._last: dict[Hashable, tuple[float, float, float | None]] = {}

    def update(self, key: Hashable, joules: float, now: float) -> float | None:
        """Watts of a counter, None while they are not known."""
        before, since, watts = self._last.get(key, (joules, now, None))
        if joules != before and now > since:
            watts = (joules - before) / (now - since) if joules > before else None
            self._last[key] = joules, now, watts
        elif key not in self._last:
            self._last[key] = joules, now, None
        elif now - since > FORGET_SECONDS:
            watts = 0.0 if watts is not None else None
        return watts

    def keep(self, keys: set[Hashable]) -> None:
        """Forget what is not there any more."""
        self._last = {key: value for key, value in self._last.items() if key in keys}
