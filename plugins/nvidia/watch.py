"""One host: reads it when it is due, leaves it alone for a while when it fails, and remembers what it said last."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from collector_core import BackgroundTask, Clock, NotAvailable, Reason, describe, reason_of
from collector_plugins.nvidia.energy import GpuEnergy
from collector_plugins.nvidia.gpu import Answer, Gpu, Source

MAX_BACKOFF = 300.0  # seconds
MAX_GAP_INTERVALS = 3  # powers further apart than so many intervals say nothing about the time between them


@dataclass(frozen=True)
class Timing:
    """Seconds: from one read to the next, and how long a read may take."""

    interval: float
    deadline: float


class Watch:
    """Reads one host in the background, so that a slow one holds up nobody.

    `host` is its label, `limit` the power limit in watts that is configured for its GPUs; where it is `optional` it is
    no fault that it has none, and `here` is this machine.
    """

    def __init__(
        self,
        host: str,
        source: Source,
        timing: Timing,
        clock: Clock,
        log: logging.Logger,
        *,
        limit: float | None = None,
        optional: bool = False,
        here: bool = False,
    ) -> None:
        self.host = host
        self.limit = limit
        self.optional = optional
        self.here = here
        self.source = source
        self._timing = timing
        self._clock = clock
        self._log = log
        self._background = BackgroundTask()
        self._answer: Answer | None = None
        self._taken = 0.0
        self._error: NotAvailable | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._energies: dict[str, GpuEnergy] = {}

    def start(self) -> asyncio.Task[None] | None:
        """Begin to read; None while an earlier read goes on, or the host is left alone."""
        if self._background.is_busy or self._clock.monotonic() < self._retry_at:
            return None
        return self._background.start(self._read())

    def answer(self) -> Answer:
        """What the host said last; raises `NotAvailable` when that was too long ago or it failed since."""
        if self._error:
            raise self._error.with_traceback(None)
        age = self._clock.monotonic() - self._taken
        if self._answer is None or age > self._timing.interval + self._timing.deadline:
            raise NotAvailable(Reason.TIMEOUT, f"no answer yet, while {self.source.stage}")
        return self._answer

    def energy(self, gpu: Gpu) -> GpuEnergy:
        """The energy of one of its GPUs so far."""
        key = gpu.uuid or gpu.index
        if key not in self._energies:
            self._energies[key] = GpuEnergy(MAX_GAP_INTERVALS * self._timing.interval)
        return self._energies[key]

    async def close(self) -> None:
        """Give up what goes on and let go of the source; it may start again at once."""
        self._failures, self._retry_at = 0, 0.0
        await self._background.close()
        await self.source.close()

    async def _read(self) -> None:
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._timing.deadline):
                answer = await self.source.read()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is this host's own affair
            self._fail(error)
        else:
            self._succeed(answer, (started + self._clock.monotonic()) / 2)

    def _succeed(self, answer: Answer, taken: float) -> None:
        for gpu in answer.gpus:
            self.energy(gpu).update(gpu, taken)
        if self._answer:
            self._tell_changes(self._answer, answer)
        self._answer, self._taken = answer, taken
        self._error, self._failures = None, 0

    def _fail(self, error: Exception) -> None:
        self._error = self._explained(error)
        delay = min(self._timing.interval * 2.0 ** min(self._failures, 30), max(MAX_BACKOFF, self._timing.interval))
        self._retry_at = self._clock.monotonic() + delay
        self._failures += 1

    def _explained(self, error: Exception) -> NotAvailable:
        if isinstance(error, NotAvailable):
            return error
        if isinstance(error, TimeoutError):
            seconds = f"{self._timing.deadline:g} s"
            return NotAvailable(Reason.TIMEOUT, f"no answer after {seconds}, while {self.source.stage}")
        return NotAvailable(reason_of(error), describe(error))

    def _tell_changes(self, before: Answer, now: Answer) -> None:
        was, there = ({gpu.uuid or gpu.index: gpu for gpu in answer.gpus} for answer in (before, now))
        for key in was.keys() - there.keys():
            gone = was[key]
            self._log.warning("%s: GPU %s (%s) is gone, %d are left", self.host, gone.index, gone.uuid, len(there))
        for key in there.keys() - was.keys():
            new = there[key]
            self._log.info("%s: GPU %s (%s) is there now, %d in all", self.host, new.index, new.uuid, len(there))
