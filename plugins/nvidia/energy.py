"""A GPU's energy: from the driver's counter where there is one, else from its power."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from math import inf

from collector_core import EnergyMethod, EnergyReading, PowerIntegral, WrapCounter
from collector_plugins.nvidia.gpu import Gpu
from collector_plugins.nvidia.possible import MOST_WATTS, most_watts

SHORTEST_SECONDS = 1.0  # the driver updates its counter now and then: two quick readings get the allowance of so much


@dataclass
class GpuEnergy:
    """Follows one GPU; its joules never fall, also where the driver's counter starts again or goes away.

    What the counter says between two readings counts; where it says nothing (no counter, driver loaded anew) or more
    than the GPU can draw, the area under the power does, for readings at most `max_gap` seconds apart. What neither
    knows is counted in `unknown_gaps`.
    Readings may come from several threads; one that comes late is left out, because a counter would seem to fall.
    """

    max_gap: float
    joules: float = 0.0
    unknown_gaps: int = 0
    method: EnergyMethod | None = None
    _compared: tuple[float, float] = field(default=(0.0, 0.0), repr=False)
    _counter: WrapCounter = field(default_factory=lambda: WrapCounter(None, MOST_WATTS), repr=False)
    _integral: PowerIntegral = field(init=False, repr=False)
    _time: float = field(default=-inf, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._integral = PowerIntegral(self.max_gap)

    @property
    def integral(self) -> float:
        """Joules under the power, over all time in which the counter is known too."""
        return self._compared[1]

    @property
    def disagreement(self) -> float | None:
        """By how much the area under the power exceeds the counter over the same time (ratio); None while unknown."""
        counted, area = self._compared
        return area / counted - 1 if counted > 0 else None

    def latest(self) -> EnergyReading | None:
        """What is known now; None while nothing is."""
        with self._lock:
            return EnergyReading(self.joules, self._time, self.unknown_gaps) if self.method else None

    def update(self, gpu: Gpu, now: float, max_gap: float = 0.0) -> None:
        """Take what was read at `now` (seconds, monotonic); `max_gap` is that of readings that take long themselves."""
        with self._lock:
            if now >= self._time:
                self._integral.max_gap = max(self.max_gap, max_gap)
                elapsed, self._time = now - self._time, now
                self._take(gpu, now, elapsed)

    def _take(self, gpu: Gpu, now: float, elapsed: float) -> None:
        first = self.method is None
        counted = self._count(gpu, now, elapsed)
        area = None if gpu.power is None else self._integral.update(gpu.power, now)
        growth = area if counted is None else counted
        self.joules += growth or 0.0
        if gpu.counter is not None or gpu.power is not None:
            self.method = EnergyMethod.POWER_INTEGRAL if gpu.counter is None else EnergyMethod.NVML_COUNTER
            self.unknown_gaps += growth is None and not first
        if counted is not None and area is not None:
            self._compared = self._compared[0] + counted, self._compared[1] + area

    def _count(self, gpu: Gpu, now: float, elapsed: float) -> float | None:
        if gpu.counter is None:
            self._counter.forget()  # the area under the power stands in; what the counter says later would be twice
            return None
        growth = self._counter.update(gpu.counter, now)
        most = most_watts(gpu.power_limit) * max(elapsed, SHORTEST_SECONDS)
        return None if growth is None or growth > most else growth
