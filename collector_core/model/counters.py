"""Energy from hardware counters that wrap, reset and fail, and from power that is read now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite

# A short burst may exceed the rated power, and two reads are not exactly one interval apart. Ten times the rating
# is still far below what a reset looks like: falling from the middle of a 262 kJ range within a second is 131 kW.
BURST = 10.0

# A rise is not ambiguous as a fall is, so it needs less proof; but no hardware draws a hundred times its rating. Such
# a jump is a broken reading or another machine's counter (a virtual machine that was moved), not energy.
JUMP = 100.0

# Firmware may post the energy of a longer while at once: two quick reads get the allowance of this many seconds.
SHORTEST_ALLOWANCE_SECONDS = 1.0

MOST_WATTS = 1e6  # no device that one meter stands for draws more; 4,294,967 W is a 32-bit field full of ones


@dataclass
class WrapCounter:
    """Accumulates the true growth of a hardware counter, from 0, in the counter's own unit.

    `maximum` is where the counter wraps (None: unknown, so that a fall can never be corrected).
    `max_rate` is the rated growth per second; the counter is trusted while at that rate less than half its range
    can have passed since the last reading. The rules are section "Counters" of the rapl plugin's README:

    - a rise counts as it is, up to half the range and `JUMP` times `max_rate`,
    - a fall is a wrap when the growth it implies fits the elapsed time (at up to `BURST` times `max_rate`),
    - everything else is a gap: counted in `unknown_gaps`, never guessed.

    Whole readings give a whole `total`, exact for as long as the process lives. Raises `ValueError` when `maximum`
    or `max_rate` is not a positive number.
    """

    maximum: float | None
    max_rate: float
    total: float = 0
    unknown_gaps: int = 0
    _last: tuple[float, float] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not (isfinite(self.max_rate) and self.max_rate > 0):
            raise ValueError(f"max_rate is {self.max_rate}, must be a positive number")
        if self.maximum is not None and not (isfinite(self.maximum) and self.maximum > 0):
            raise ValueError(f"maximum is {self.maximum}, must be a positive number or None")

    def update(self, raw: float, now: float) -> float | None:
        """Take a reading at `now` (seconds, monotonic); returns the growth since the last one, None if unknown.

        Raises `ValueError` for a reading outside 0…maximum; the counter is then as it was before.
        """
        if not (isfinite(raw) and 0 <= raw <= self._ceiling):
            raise ValueError(f"counter reads {raw:g}, outside 0 to {self._ceiling:g}")
        last, self._last = self._last, (raw, now)
        if last is None:
            return None
        growth = self._growth(last[0], raw, now - last[1])
        if growth is None:
            self.unknown_gaps += 1
        else:
            self.total += growth
        return growth

    def forget(self) -> None:
        """The source went away: what it counts until the next reading is unknown. `total` stays."""
        if self._last is not None:
            self._last = None
            self.unknown_gaps += 1

    @property
    def _ceiling(self) -> float:
        return inf if self.maximum is None else self.maximum

    def _growth(self, before: float, raw: float, elapsed: float) -> float | None:
        half_range = self._ceiling / 2
        if self.max_rate * elapsed > half_range:
            return None
        allowance = self.max_rate * max(elapsed, SHORTEST_ALLOWANCE_SECONDS)
        if raw >= before:
            growth, most = raw - before, allowance * JUMP
        elif self.maximum is not None:
            growth, most = self.maximum - before + raw, allowance * BURST
        else:
            return None
        return growth if growth <= min(most, half_range) else None


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
