"""CPU times that do not fall, although the kernel's idle and iowait do by a tick now and then (proc_stat(5))."""

from __future__ import annotations

from operator import le

from collector_plugins.system.source import CpuTimes

# A fall of more seconds than this is that of a CPU that was offline and begins anew, or of another boot.
RESTART_SECONDS = 3.0

_UNRELIABLE = "iowait"  # proc(5): it may decrease

Row = tuple[float, ...]


class SteadyTimes:
    """What was counted before a step back is shown until the kernel's counter is there again.

    A counter that begins anew is taken as it is, as that of a CPU that was away in the meantime.
    """

    def __init__(self) -> None:
        self._total: Row = ()
        self._cores: dict[str, Row] = {}

    def update(self, times: CpuTimes) -> CpuTimes:
        """Take a reading; returns the times to show and to compare with the next ones."""
        self._total = _steady(times.modes, self._total, times.total)
        self._cores = {cpu: _steady(times.modes, self._cores.get(cpu, ()), row) for cpu, row in times.cores.items()}
        return CpuTimes(times.modes, self._total, self._cores)


def _steady(modes: tuple[str, ...], before: Row, after: Row) -> Row:
    if len(before) != len(after) or all(map(le, before, after)) or _has_restarted(modes, before, after):
        return after
    return tuple(map(max, before, after))


def _has_restarted(modes: tuple[str, ...], before: Row, after: Row) -> bool:
    return any(
        old - new > RESTART_SECONDS and mode != _UNRELIABLE
        for mode, old, new in zip(modes, before, after, strict=False)
    )
