"""Leaves GPUs alone that sleep or could: asking one for its power wakes it, and an open handle keeps it awake."""

from __future__ import annotations

from dataclasses import replace

from collector_core import Clock
from collector_plugins.nvidia import metrics
from collector_plugins.nvidia.gpu import Awake, GpuSource, HostReading, Series
from collector_plugins.nvidia.pci import Look, all_asleep

REST_SECONDS = 20.0  # a driver that nobody uses suspends a GPU within 6 to 15 seconds
NEXT_REST_SECONDS = 600.0  # after a rest in which it stayed awake: something else keeps it so

_UTILIZATION = Series(metrics.UTILIZATION)


class LetSleep:
    """Reads those GPUs of `source` that are awake, and lets go of it while all of them sleep.

    GPUs that may sleep and have nothing to do are left alone for `REST_SECONDS`, so that they can fall asleep; what
    they said last stands until then. Where they stay awake nevertheless, they are read again for a while.
    """

    def __init__(self, source: GpuSource, look: Look, clock: Clock) -> None:
        self._source = source
        self._look = look
        self._clock = clock
        self._kept: HostReading | None = None
        self._rests_until = float("-inf")
        self._next_rest = float("-inf")

    @property
    def name(self) -> str:
        """The label `source`."""
        return self._source.name

    @property
    def stage(self) -> str:
        """What it is doing now."""
        return self._source.stage

    @property
    def connections(self) -> int | None:
        """How many connections were opened so far."""
        return self._source.connections

    async def read(self, awake: Awake | None = None) -> HostReading:
        """All GPUs that are awake; raises `NotAvailable` when there is nothing to be had."""
        found = self._look()
        if any(gpu.asleep for gpu in found):
            self._next_rest = float("-inf")
        if all_asleep(found):
            await self.close()
            return HostReading((), {}, found)
        if self._kept and self._clock.monotonic() < self._rests_until and (not found or found == self._kept.pci):
            return self._kept
        if any(gpu.asleep for gpu in found):
            awake = {gpu.address: str(index) for index, gpu in enumerate(found) if not gpu.asleep}
        answer = await self._source.read(awake)
        answer = replace(answer, pci=answer.pci or found)
        await self._rest_after(answer, keeps_connection=not found)
        return answer

    async def close(self) -> None:
        """Let go of the source."""
        self._kept = None
        await self._source.close()

    async def _rest_after(self, answer: HostReading, *, keeps_connection: bool) -> None:
        now, was_resting, self._kept = self._clock.monotonic(), self._kept is not None, None
        may_sleep = any(gpu.may_sleep and not gpu.asleep for gpu in answer.pci)
        if was_resting and may_sleep:
            self._next_rest = now + NEXT_REST_SECONDS
        is_idle = all(gpu.series.get(_UTILIZATION, 0.0) == 0.0 for gpu in answer.gpus)
        if not (is_idle and may_sleep and now >= self._next_rest):
            return
        gpus = tuple(gpu if gpu.time is not None else replace(gpu, time=now) for gpu in answer.gpus)
        self._kept, self._rests_until = replace(answer, gpus=gpus), now + REST_SECONDS
        if not keeps_connection:
            await self._source.close()
