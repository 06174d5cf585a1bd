"""A device's energy: the area under its power, and its own counter across what the area misses."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from math import inf

from collector_core.metering.meters import EnergyReading
from collector_core.model.foreign_counter import ForeignCounter
from collector_core.model.power_integral import MOST_WATTS, PowerIntegral


@dataclass
class DeviceEnergy:
    """Follows one device; its joules begin at 0 and never fall.

    Counters of meters are exact over days and coarse over seconds (often 0.01 kWh, which is 36 kJ), so the area under
    the power counts where the power is known, for readings at most `max_gap` seconds apart, and the counter's growth
    where it is not. What neither knows is counted in `unknown_gaps`.
    """

    max_gap: float
    _joules: float = field(default=0.0, repr=False)
    _unknown_gaps: int = field(default=0, repr=False)
    _time: float = field(default=-inf, repr=False)
    _integral: PowerIntegral = field(init=False, repr=False)
    _counter: ForeignCounter = field(default_factory=lambda: ForeignCounter(max_rate=MOST_WATTS), repr=False)
    _counts: bool = field(default=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._integral = PowerIntegral(self.max_gap)

    @property
    def counted(self) -> float | None:
        """The device's own counter in joules, made never to fall; None where it has none."""
        return self._counter.total if self._counts else None

    def latest(self) -> EnergyReading | None:
        """What is known now; None while nothing is. On any thread."""
        with self._lock:
            return EnergyReading(self._joules, self._time, self._unknown_gaps) if self._time > -inf else None

    def record(self, now: float, *, watts: float | None, joules: float | None) -> None:
        """Take what the device said at `now` (seconds, monotonic); a reading that is known already adds nothing.

        Raises `ValueError` for a counter that is negative or not finite.
        """
        with self._lock:
            if now > self._time and not (watts is None and joules is None):
                counted = self._count(joules, now)
                area = self._area(watts, now)
                grown = counted if area is None else area
                self._unknown_gaps += grown is None and self._time > -inf
                self._joules += grown or 0.0
                self._time = now

    def _count(self, joules: float | None, now: float) -> float | None:
        if joules is None:
            return None
        had, before = self._counts, self._counter.total
        total = self._counter.record(joules, now)
        self._counts = True
        return total - before if had else None

    def _area(self, watts: float | None, now: float) -> float | None:
        """Where a meter counts both ways, a negative power is what it feeds back: nothing that it draws."""
        if watts is None or watts > MOST_WATTS:
            self._integral.forget()
            return None
        return self._integral.update(max(0.0, watts), now)
