"""One GPU from reading to reading: its energy, what follows from its counters, and when it is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from collector_core.devices.energy import DeviceEnergy
from collector_core.devices.gpu_cards import GpuCard
from collector_core.devices.meters import MAX_GAP_INTERVALS
from collector_core.model.clock import Clock

REST_SECONDS = 20.0  # a driver that nobody uses suspends a GPU within 5 to 15 seconds
NEXT_REST_SECONDS = 600.0  # after a rest in which it stayed awake: something else keeps it so
IDLE = 0.005


class GpuReading(NamedTuple):
    """What a GPU says, in base units; None for what it does not.

    `joules` is its own counter, `idle_seconds` how long it has been idle so far, `is_shared` whether the processor's
    power is among its watts.
    """

    watts: float | None = None
    joules: float | None = None
    utilization: float | None = None
    idle_seconds: float | None = None
    celsius: float | None = None
    memory_used: float | None = None
    memory_total: float | None = None
    is_shared: bool = False


class FollowedGpu:
    """Reads a GPU while it is awake. One that may sleep and has nothing to do is left alone for `REST_SECONDS`, as
    reading it resets the timer after which the kernel suspends it; what it said last stands until then.
    """

    def __init__(self, clock: Clock, interval: float) -> None:
        self.energy = DeviceEnergy(max(MAX_GAP_INTERVALS * interval, REST_SECONDS + 2 * interval))
        self.is_shared = False
        self._clock = clock
        self._last: tuple[float, float | None, float | None] | None = None  # time, joules, idle seconds
        self._kept: GpuReading | None = None
        self._rests_until = self._next_rest = float("-inf")

    @property
    def joules(self) -> float | None:
        """Its own counter, made never to fall, else the area under its power since the first reading."""
        latest = self.energy.latest()
        return self.energy.counted if self.energy.counted is not None or latest is None else latest.joules

    def read(self, card: GpuCard, read: Callable[[GpuCard], GpuReading]) -> GpuReading | None:
        """What it says now; None while it sleeps. Raises whatever `read` does."""
        if card.is_asleep:
            self._kept = self._last = None
            self._next_rest = float("-inf")
            return None
        now = self._clock.monotonic()
        if self._kept and now < self._rests_until:
            return self._kept
        reading = self._completed(read(card), now)
        self._rest_after(reading, now, may_sleep=card.may_sleep)
        return reading

    def _completed(self, reading: GpuReading, now: float) -> GpuReading:
        """With what follows from the growth of its counters since the last reading."""
        self.is_shared = reading.is_shared
        self.energy.record(now, watts=reading.watts, joules=reading.joules)
        before, self._last = self._last, (now, self.energy.counted, reading.idle_seconds)
        if before is None or now <= before[0]:
            return reading
        elapsed = now - before[0]
        watts, busy = reading.watts, reading.utilization
        if watts is None and self._last[1] is not None and before[1] is not None:
            watts = (self._last[1] - before[1]) / elapsed
        if busy is None and reading.idle_seconds is not None and before[2] is not None:
            idle = reading.idle_seconds - before[2]
            busy = max(0.0, 1 - idle / elapsed) if idle >= 0 else None  # it begins anew after a reset of the GPU
        return reading._replace(watts=watts, utilization=busy)

    def _rest_after(self, reading: GpuReading, now: float, *, may_sleep: bool) -> None:
        was_resting, self._kept = self._kept is not None, None
        if was_resting and may_sleep:
            self._next_rest = now + NEXT_REST_SECONDS
        is_idle = reading.utilization is not None and reading.utilization <= IDLE
        if is_idle and may_sleep and now >= self._next_rest:
            self._kept, self._rests_until = reading, now + REST_SECONDS
