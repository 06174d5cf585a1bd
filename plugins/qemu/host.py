"""The host's CPUs: how many there are, and how busy they are all together."""

from __future__ import annotations

from collector_core import cpu_ticks
from collector_core.procfs import CLOCK_TICKS_PER_SECOND, count_cpus, read_cpus
from collector_plugins.qemu.proc import Proc


class Host:
    """Reads /proc/stat; what it does not say is None."""

    def __init__(self, proc: Proc) -> None:
        self._proc = proc
        self._last: tuple[int, float] | None = None
        self.cpus: int | None = None

    def busy_cores(self, now: float) -> float | None:
        """Mean number of busy cores since the last call at `now` (monotonic seconds); None at first."""
        ticks = self._ticks()
        last, self._last = self._last, None if ticks is None else (ticks, now)
        if ticks is None or last is None or now <= last[1] or ticks < last[0]:
            return None
        return (ticks - last[0]) / CLOCK_TICKS_PER_SECOND / (now - last[1])

    def physical_cores(self) -> int | None:
        """Cores by what the kernel says of the processors."""
        try:
            return read_cpus(self._proc.directory).cores
        except (OSError, ValueError):
            return None

    def _ticks(self) -> int | None:
        try:
            stat = self._proc.read_whole("stat")
            busy = cpu_ticks(stat).busy
        except (OSError, ValueError):
            return None
        self.cpus = count_cpus(stat) or None
        return busy
