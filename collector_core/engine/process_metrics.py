"""`process_*` and `python_info`, under the names that prometheus_client gave them; kept fresh by the watchdog."""

from __future__ import annotations

import os
import platform
import time

from collector_core.exposition.sources import Exposition
from collector_core.model.clock import Clock
from collector_core.model.metrics import Counter, Gauge, Info
from collector_core.model.readings import NOTHING, Readings
from collector_core.model.units import Unit
from collector_core.procfs.kept_file import KeptFile

INTERVAL = 5.0  # seconds

CPU = Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", Unit.SECONDS)
RESIDENT = Gauge("process_resident_memory_bytes", "Resident memory size in bytes.", Unit.BYTES)
VIRTUAL = Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", Unit.BYTES)
START = Gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", Unit.SECONDS)
OPEN_FILES = Gauge("process_open_fds", "Number of open file descriptors.")
MAX_FILES = Gauge("process_max_fds", "Maximum number of open file descriptors.")
PYTHON = Info(
    "python_info", "Python platform information.", ("implementation", "major", "minor", "patchlevel", "version")
)

_FIGURES = (CPU, START, MAX_FILES, VIRTUAL, RESIDENT, OPEN_FILES)
METRICS = (CPU, RESIDENT, VIRTUAL, START, OPEN_FILES, MAX_FILES, PYTHON)


class ProcessMetrics:
    """This process, as something that the watchdog looks after; what the system does not tell is absent."""

    def __init__(self, exposition: Exposition, clock: Clock) -> None:
        self._source = exposition.source("process", METRICS)
        self._last = NOTHING
        self._started = _start_time(clock)
        self._max_files = max_open_files()
        self._memory = KeptFile("/proc/self/statm", is_kernels=True)
        self._python = _python()

    def tick(self, now: float) -> float:
        """Publish the figures of this process; returns when the next ones are due (monotonic seconds)."""
        out = Readings(METRICS, max_series=len(METRICS), previous=self._last)
        out.add_row(_FIGURES, (time.process_time(), self._started, self._max_files, *self._memory_and_files()))
        out.add(PYTHON, **self._python)
        self._last = out.snapshot()
        self._source.publish(self._last)
        return (now // INTERVAL + 1) * INTERVAL

    def _memory_and_files(self) -> tuple[int | None, int | None, int | None]:
        """Virtual and resident memory in bytes, and how many files are open; None where there is no `/proc`."""
        try:
            virtual, resident = self._memory.read().split()[:2]
            files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the names are not wanted as paths
        except OSError:
            return None, None, None
        page = os.sysconf("SC_PAGE_SIZE")
        return int(virtual) * page, int(resident) * page, files


def _python() -> dict[str, str]:
    """The labels of `PYTHON`."""
    numbers = zip(("major", "minor", "patchlevel"), platform.python_version_tuple(), strict=True)
    return {"implementation": platform.python_implementation(), **dict(numbers), "version": platform.python_version()}


def _start_time(clock: Clock) -> float:
    """Seconds since 1970, from the wall clock at the start; it does not move when the clock is set later."""
    return clock.time() - time.process_time()


def max_open_files() -> float | None:
    """How many files this process may have open at once; None without a limit, or where there is none to ask for."""
    try:
        import resource  # noqa: PLC0415 - not there on Windows
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else float(soft)
