"""One guest: a QEMU process, told from others by its pid and start time, and its CPU time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import inf

from collector_plugins.qemu import procfs
from collector_plugins.qemu.cmdline import Description
from collector_plugins.qemu.proc import Proc
from collector_plugins.qemu.procfs import TICKS_PER_SECOND, Stat

RECOUNT_SECONDS = 60.0  # between two looks at the threads of a guest,
RECOUNT_CHANGED_SECONDS = 5.0  # and where their number has changed
_STAT_BYTES = 2048


@dataclass(slots=True, eq=False)
class Guest:
    """A running guest; `ticks` is its CPU time so far and `growth` what came with the last reading, `elapsed` after
    the one before, in seconds. `cores` is its mean use of CPUs in that time, None until there are two readings.
    """

    pid: str
    start: int
    description: Description
    ticks: int
    read_at: float
    vcpus: int
    growth: int = 0
    elapsed: float = 0.0
    cores: float | None = None
    labels: tuple[str, str] = ("", "")
    descriptor: int | None = None
    _threads: int = -1
    _counted_at: float = -inf

    @property
    def identity(self) -> str:
        """What tells it from every other process there was."""
        return f"pid-{self.pid}-{self.start}"

    def read_stat(self, proc: Proc) -> bytes:
        """Its /proc/PID/stat; raises `OSError` where the process is gone."""
        return proc.stat(self.pid) if self.descriptor is None else os.pread(self.descriptor, _STAT_BYTES, 0)

    def account(self, stat: Stat, now: float) -> None:
        """Take a reading at `now` (monotonic seconds)."""
        self.elapsed = elapsed = now - self.read_at
        self.growth = growth = max(0, stat.cpu - self.ticks)
        self.cores = growth / TICKS_PER_SECOND / elapsed if elapsed > 0 else None
        self.ticks, self.read_at = stat.cpu, now

    def recount(self, proc: Proc, threads: int, now: float) -> None:
        """Count the vCPUs anew where threads came or went; QEMU names their threads only when it is asked to."""
        waited = now - self._counted_at
        if waited < RECOUNT_CHANGED_SECONDS or (threads == self._threads and waited < RECOUNT_SECONDS):
            return
        self._threads, self._counted_at = threads, now
        try:
            live = {procfs.vcpu_number(name) for name in proc.thread_names(self.pid)} - {None}
        except OSError:
            return
        self.vcpus = len(live) or self.description.vcpus

    def close(self) -> None:
        """Let go of its file."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
