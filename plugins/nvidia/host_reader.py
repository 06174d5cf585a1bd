"""One host: reads its GPUs, follows their energy, and tells when one comes or goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from collector_core import Context, NotAvailable, Reason, describe, reason_of
from collector_plugins.nvidia.energy import GpuEnergy
from collector_plugins.nvidia.gpu import Gpu, GpuSource, HostReading
from collector_plugins.nvidia.sleep import REST_SECONDS

ProblemT = TypeVar("ProblemT", bound=NotAvailable)

MAX_GAP_INTERVALS = 3  # powers further apart than so many intervals, or readings, say nothing about the time between
MAX_GAP_RESTS = 2  # and so many rests of GPUs that may sleep
SLOW = "raise `timeout` if it is slow; nvidia-smi is faster with persistence mode (sudo nvidia-smi -pm 1)"


@dataclass(eq=False)
class HostReader:
    """Where one host is read, and what is known of its GPUs so far.

    `host` is its label, `limit` the power limit in watts that is configured for its GPUs; where it is `optional` it is
    no fault that it has none, and `here` is this machine.
    """

    host: str
    source: GpuSource
    ctx: Context
    limit: float | None = None
    optional: bool = False
    here: bool = False
    _energies: dict[tuple[str, str], GpuEnergy] = field(default_factory=dict)
    _before: HostReading | None = None

    async def read(self) -> HostReading:
        """Read all its GPUs; raises what its source raises."""
        clock = self.ctx.clock
        started = clock.monotonic()
        answer = await self.source.read()
        ended = clock.monotonic()
        max_gap = max(MAX_GAP_INTERVALS * (ended - started), MAX_GAP_RESTS * REST_SECONDS if answer.pci else 0.0)
        for gpu in answer.gpus:
            taken = (started + ended) / 2 if gpu.time is None else gpu.time
            self.energy(gpu).update(gpu, taken, max_gap)
        if self._before:
            self._log_changes(self._before, answer)
        self._before = answer
        return answer

    def explained(self, kind: type[ProblemT], error: Exception) -> ProblemT:
        """Why it could not be read, as another kind of error; where it takes too long, how far it has come."""
        reason, detail = reason_of(error), describe(error)
        if reason is Reason.TIMEOUT and "while" not in detail:
            detail += f", while {self.source.stage}"
        fix = getattr(error, "fix", "") or (SLOW if reason is Reason.TIMEOUT else "")
        return kind(reason, detail, fix=fix)

    def energy(self, gpu: Gpu) -> GpuEnergy:
        """The energy of one of its GPUs so far."""
        key = gpu.index, gpu.uuid  # as its series are told apart; not every UUID is unique
        if key not in self._energies:
            self._energies[key] = GpuEnergy(MAX_GAP_INTERVALS * self.ctx.interval)
        return self._energies[key]

    def _log_changes(self, before: HostReading, now: HostReading) -> None:
        was, there = ({(gpu.index, gpu.uuid): gpu for gpu in answer.gpus} for answer in (before, now))
        log = self.ctx.logger
        for gone in (was[key] for key in was.keys() - there.keys()):
            if gone.address in now.asleep or (now.asleep and not gone.address):
                log.info("%s: GPU %s (%s) sleeps", self.host, gone.index, gone.uuid)
            else:
                log.warning("%s: GPU %s (%s) is gone, %d are left", self.host, gone.index, gone.uuid, len(there))
        for key in there.keys() - was.keys():
            new = there[key]
            log.info("%s: GPU %s (%s) is there now, %d in all", self.host, new.index, new.uuid, len(there))
