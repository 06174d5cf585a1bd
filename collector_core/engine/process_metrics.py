"""`process_*` and `python_info`, under the names that prometheus_client gave them; kept fresh by the watchdog."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from pathlib import Path

from collector_core.exposition.sources import Exposition
from collector_core.model.clock import Clock
from collector_core.model.metrics import Counter, Gauge, Info
from collector_core.model.readings import NOTHING, Readings
from collector_core.model.units import Unit

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

METRICS = (CPU, RESIDENT, VIRTUAL, START, OPEN_FILES, MAX_FILES, PYTHON)

_PROC = Path("/proc/self")


class ProcessMetrics:
    """This process, as something that the watchdog looks after; what the system does not tell is absent."""

    def __init__(self, exposition: Exposition, clock: Clock) -> None:
        self._source = exposition.source("process", METRICS)
        self._last = NOTHING
        self._started = _start_time(clock)
        self._max_files = max_open_files()

    def tick(self, now: float) -> float:
        """Publish the figures of this process; returns when the next ones are due (monotonic seconds)."""
        out = Readings(METRICS, max_series=len(METRICS), previous=self._last)
        out.add(CPU, time.process_time())
        out.add(START, self._started)
        with contextlib.suppress(OSError):
            virtual, resident = (_PROC / "statm").read_bytes().split()[:2]
            page = os.sysconf("SC_PAGE_SIZE")
            out.add(VIRTUAL, int(virtual) * page)
            out.add(RESIDENT, int(resident) * page)
            out.add(OPEN_FILES, len(os.listdir(_PROC / "fd")))  # noqa: PTH208 - the names are not wanted as paths
        if self._max_files is not None:
            out.add(MAX_FILES, self._max_files)
        major, minor, patch = platform.python_version_tuple()
        version, implementation = platform.python_version(), platform.python_implementation()
        out.add(PYTHON, implementation=implementation, major=major, minor=minor, patchlevel=patch, version=version)
        self._last = out.snapshot()
        self._source.publish(self._last)
        return (now // INTERVAL + 1) * INTERVAL


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
