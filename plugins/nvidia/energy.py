"""A GPU's energy: from the driver's counter where there is one, else from its power."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from math import inf

from collector_core import EnergyMethod, EnergyReading, PowerIntegral, WrapCounter
from collector_plugins.nvidia.gpu import Gpu
from collector_plugins.nvidia.possible import most_watts

DEFAULT_LIMIT_WATTS = 1500.0  # for GPUs that name no limit: above any board sold today


@dataclass
class GpuEnergy:
    """Follows one GPU; its joules never fall, also where the driver's counter starts again or goes away.

    What the counter says between two readings counts; where it says nothing (no counter, driver loaded anew), the area
    under the power does, for readings at most `max_gap` seconds apart. What neither knows is counted in `unknown_gaps`.
    What the GPU cannot have drawn by its limit counts in neither.
    Readings may come from several threads; one that comes late is left out, because a counter would seem to fall.
    """

    max_gap: float
    joules: float = 0.0
    unknown_gaps: int = 0
    method: EnergyMethod | None = None
    _compared: tuple[float, float] = field(default=(0.0, 0.0), repr=False)
    _counter: WrapCounter = field(default_factory=lambda: WrapCounter(None, DEFAULT_LIMIT_WATTS), repr=False)
    _integral: PowerIntegral = field(init=False, repr=False)
    _stood_in: float = field(default=0.0, repr=False)
    _counter_gaps: int = field(default=0, repr=False)
    _time: float = field(default=-inf, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._integral = PowerIntegral(self.max_gap)

    @property
    def max_watts(self) -> float:
        """The most that the GPU may draw for a moment."""
        return self._counter.most_rate

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
                self._time = now
                self._take(gpu, now)

    def _take(self, gpu: Gpu, now: float) -> None:
        self._counter.max_rate = gpu.power_limit or DEFAULT_LIMIT_WATTS
        self._counter.peak_rate = most_watts(gpu.power_limit)
        first = self.method is None
        counted, area = self._count(gpu, now), self._area(gpu, now)
        growth = self._growth(counted, area)
        self.joules += growth or 0.0
        if gpu.counter is not None or gpu.power is not None:
            self.method = EnergyMethod.POWER_INTEGRAL if gpu.counter is None else EnergyMethod.NVML_COUNTER
            self.unknown_gaps += growth is None and not first

    def _growth(self, counted: float | None, area: float | None) -> float | None:
        """What is new: the area while the counter is in doubt, and less by that area once its growth is believed."""
        if self._counter.in_doubt:
            self._stood_in += area or 0.0
            return area
        stood_in, self._stood_in = self._stood_in, 0.0
        gaps, self._counter_gaps = self._counter_gaps, self._counter.unknown_gaps
        if counted is None:
            return area
        if gaps != self._counter_gaps:
            stood_in = 0.0  # the counter has begun anew, and counts only since
        if area is not None:
            self._compared = self._compared[0] + counted, self._compared[1] + area + stood_in
        return max(0.0, counted - stood_in)

    def _area(self, gpu: Gpu, now: float) -> float | None:
        if gpu.power is None:
            return None
        self._integral.max_watts = self._counter.most_rate
        if gpu.power > self._integral.max_watts:
            self._integral.forget()
            return None
        return self._integral.update(gpu.power, now)

    def _count(self, gpu: Gpu, now: float) -> float | None:
        if gpu.counter is None:
            self._counter.forget()  # the area under the power stands in; what the counter says later would be twice
            return None
        return self._counter.update(gpu.counter, now)
