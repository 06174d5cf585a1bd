"""One guest: a QEMU process, told from others by its pid and start time, and its CPU time."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from collector_core.procfs import KeptFile
from collector_plugins.qemu.cmdline import Description
from collector_plugins.qemu.proc import Proc

RECOUNT_SECONDS = 60.0  # between two looks at the threads of a guest,
RECOUNT_CHANGED_SECONDS = 5.0  # and where their number has changed


@dataclass(slots=True, eq=False)
class Guest:
    """A running guest, and the file that says so.

    `ticks` is its CPU time so far, `growth` what the last reading brought, `elapsed` seconds after the one before; that
    is 0 until there are two readings.
    """

    pid: str
    start: int
    stat: KeptFile
    description: Description
    ticks: int
    read_at: float
    vcpus: int
    growth: int = 0
    elapsed: float = 0.0
    labels: tuple[str, str] = ("", "")
    threads: int = -1
    recount_at: float = -inf

    @property
    def identity(self) -> str:
        """What tells it from every other process there was."""
        return f"pid-{self.pid}-{self.start}"

    def account(self, ticks: int, now: float) -> None:
        """Take a reading at `now` (monotonic seconds); one that is less than the last brings nothing."""
        self.elapsed = now - self.read_at
        self.read_at = now
        if ticks < self.ticks:
            self.growth = 0
        else:
            self.growth, self.ticks = ticks - self.ticks, ticks

    def recount(self, proc: Proc, threads: int, now: float) -> None:
        """Count the vCPUs anew, of which `threads` may have come or gone, unless that was done just now."""
        if now < self.recount_at - RECOUNT_SECONDS + RECOUNT_CHANGED_SECONDS:
            return
        self.threads, self.recount_at = threads, now + RECOUNT_SECONDS
        try:
            self.vcpus = proc.running_vcpus(self.pid) or self.description.vcpus
        except OSError:
            return
