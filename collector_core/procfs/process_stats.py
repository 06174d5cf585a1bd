"""/proc/PID/stat of many processes at once, a column for each quantity: objects are what reading them costs."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from collector_core import _speed
from collector_core.procfs.kept_file import KeptFile
from collector_core.procfs.processes import ENDED_STATES, parse_process_stat

STAT_BYTES = 1024  # it has less than that by far

_ENDED = ENDED_STATES | {0}
_NO_DESCRIPTOR = -1
_COLUMNS = 4


class ProcessStats(NamedTuple):
    """What the files of some processes say, in their order; see `ProcessStat`.

    `errors` has, by place, why one could not be read: `OSError` or `ValueError`. Its numbers are 0.
    """

    states: Sequence[int]
    cpu_ticks: Sequence[int]
    threads: Sequence[int]
    starts: Sequence[int]
    errors: dict[int, Exception]

    def are_of(self, starts: Sequence[int]) -> list[bool]:
        """Whether each was read and is still the process that began at its time in `starts`, and has not ended."""
        if array("q", starts) == self.starts and _ENDED.isdisjoint(self.states):
            return [True] * len(starts)
        pairs = zip(self.states, self.starts, starts, strict=True)
        return [start == expected and state not in _ENDED for state, start, expected in pairs]


def read_process_stats(files: Sequence[KeptFile], *, is_kernels: bool) -> ProcessStats:
    """Read all; `is_kernels` as of the files. One that fails costs the others nothing."""
    found = array("q", bytes(8 * _COLUMNS * len(files)))
    if _speed.read_process_stats is not None:
        descriptors = [_NO_DESCRIPTOR if file.descriptor is None else file.descriptor for file in files]
        _speed.read_process_stats(array("i", descriptors), is_kernels, found)
    errors: dict[int, Exception] = {}
    for place in [place for place, state in enumerate(found[::_COLUMNS]) if not state]:
        try:  # not read yet, or not as usual
            stat = parse_process_stat(files[place].read(STAT_BYTES))
            row = array("q", (stat.state, stat.cpu_ticks, stat.threads, stat.start))
        except (OSError, ValueError, OverflowError) as error:
            errors[place] = error
        else:
            found[_COLUMNS * place : _COLUMNS * (place + 1)] = row
    states, cpu_ticks, threads, starts = [found[column::_COLUMNS] for column in range(_COLUMNS)]
    return ProcessStats(states, cpu_ticks, threads, starts, errors)
