"""Counters → increases per second."""

from __future__ import annotations


class Rates:
    """Remembers each counter's last value; one that is not seen in a round is forgotten.

    A counter that fell has begun anew: what it counted in between is unknown, so there is no rate until the next look.
    """

    def __init__(self) -> None:
        self._before: dict[str, tuple[float, float]] = {}
        self._now: dict[str, tuple[float, float]] = {}

    def begin(self) -> None:
        """A new round."""
        self._before, self._now = self._now, {}

    def rate(self, series: str, value: float, when: float) -> float | None:
        """The increase per second since the round before (`when` in monotonic seconds); None where it is unknown."""
        self._now[series] = when, value
        then, before = self._before.get(series, (when, value))
        return (value - before) / (when - then) if value >= before and when > then else None
