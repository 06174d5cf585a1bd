"""Counters of simulated sources: what a rate comes to."""

from __future__ import annotations


class Totals:
    """Counters by key, each the area under its rate since it was first asked for; from 0, and they never fall.

    Between two calls the rate is taken to change evenly. Where the wall clock runs backwards nothing is added.
    """

    def __init__(self) -> None:
        self._kept: dict[object, tuple[float, float, float]] = {}

    def grow(self, key: object, rate: float, when: float) -> float:
        """Take the rate (per second, from 0 on) at `when` in seconds; returns the total so far."""
        before, since, total = self._kept.get(key, (rate, when, 0.0))
        total += max(0.0, when - since) * (before + rate) / 2
        self._kept[key] = rate, when, total
        return total
