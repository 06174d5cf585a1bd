"""Energy from power that is read now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite

MOST_WATTS = 1e6  # no device that one meter stands for draws more; 4,294,967 W is a 32-bit field full of ones


@dataclass
class PowerIntegral:
    """Accumulates the energy in joules, from 0, of a power that is read now and then: the area under its readings.

    Between two readings the power is taken to change evenly (trapezoidal rule). Readings further apart than
    `max_gap` seconds say nothing about the time between them: that is a gap, counted in `unknown_gaps`, never guessed.
    `max_watts` is the most that the device can draw, if that is known; it may be changed at any time.
    Raises `ValueError` when `max_gap` is not a positive number.
    """

    max_gap: float
    total: float = 0.0
    unknown_gaps: int = 0
    max_watts: float = MOST_WATTS
    _last: tuple[float, float] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not (isfinite(self.max_gap) and self.max_gap > 0):
            raise ValueError(f"max_gap is {self.max_gap}, must be a positive number")

    def update(self, watts: float, now: float) -> float | None:
        """Take a reading at `now` (seconds, monotonic); returns the joules since the last one, None if unknown.

        Raises `ValueError` for a power that is negative, more than `max_watts` or not a number; the integral is then
        as it was before.
        """
        if not (isfinite(watts) and 0 <= watts <= self.max_watts):
            raise ValueError(f"power reads {watts:g} W, outside 0 to {self.max_watts:g} W")
        last, self._last = self._last, (watts, now)
        if last is None:
            return None
        elapsed = now - last[1]
        if not 0 <= elapsed <= self.max_gap:
            self.unknown_gaps += 1
            return None
        joules = (last[0] + watts) / 2 * elapsed
        self.total += joules
        return joules

    def forget(self) -> None:
        """The source went away: what it draws until the next reading is unknown. `total` stays."""
        if self._last is not None:
            self._last = None
            self.unknown_gaps += 1
