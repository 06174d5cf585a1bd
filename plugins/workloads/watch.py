"""Watched processes: what named ones use, and whether their memory leaks."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from collector_core import Context, Metric, Readings
from collector_core.procfs import CgroupTree, read_file
from collector_plugins.workloads import metrics
from collector_plugins.workloads.config import Leak, Watch
from collector_plugins.workloads.leak import LeakWatch
from collector_plugins.workloads.paths import Workload, WorkloadKind
from collector_plugins.workloads.processes import Processes

_IO_BYTES = 1024
_READ, _WRITTEN = b"read_bytes", b"write_bytes"


class WatchedProcess:
    """All processes of one entry of `watch`, added up."""

    def __init__(self, options: Watch, leak: Leak, hierarchy: CgroupTree, ctx: Context) -> None:
        self.name = options.name
        self._proc = ctx.path("/proc")
        self._ctx = ctx
        self._workload = Workload(WorkloadKind.GROUP, options.name)
        self._match = re.compile(options.match) if options.match else None
        self._unit = options.unit
        self._processes = Processes(self._proc, hierarchy, self._choose)
        self._leak = LeakWatch(leak.window)
        self._is_leaking = False
        self._cpu_seconds = 0.0
        self._moved: dict[bytes, float] = {}
        self._seen: dict[str, dict[bytes, int]] = {}

    def publish(
        self, out: Readings, elapsed: float, joules_per_cpu_second: float | None, available: int | None
    ) -> None:
        """Read them and show what they use; nothing where none runs."""
        self._processes.read()
        used = sum(carved.cpu_seconds for carved in self._processes.carved)
        self._cpu_seconds += used + self._processes.found_seconds
        pids = self._processes.pids
        self._record_io(pids)
        if not pids:
            return
        resident = self._processes.resident_bytes
        values: dict[Metric, float | None] = {
            metrics.PROCESS_MEMORY: resident,
            metrics.PROCESS_THREADS: self._processes.threads,
            metrics.PROCESS_FILES: self._open_files(pids),
            metrics.PROCESS_CPU: self._cpu_seconds,
            metrics.PROCESS_READ: self._moved.get(_READ),
            metrics.PROCESS_WRITTEN: self._moved.get(_WRITTEN),
            metrics.PROCESS_EXHAUSTED: self._exhausted_at(resident, available),
        }
        if joules_per_cpu_second is not None and elapsed > 0:
            values[metrics.PROCESS_POWER] = used / elapsed * joules_per_cpu_second
        out.add_row(tuple(values), tuple(values.values()), process=self.name)

    def follow(self, hierarchy: CgroupTree) -> None:
        """Units are from now on those of another hierarchy."""
        self._processes.follow(hierarchy)

    def close(self) -> None:
        """Let go of every file."""
        self._processes.close()

    def _choose(self, pid: str, name: str, above: Callable[[], Workload | None]) -> Workload | None:
        del pid
        if self._match:
            return self._workload if self._match.search(name) else None
        owner = above()
        return self._workload if owner and owner.kind == WorkloadKind.UNIT and owner.id == self._unit else None

    def _exhausted_at(self, resident: int, available: int | None) -> float | None:
        """When memory ends at the rate at which it leaks, in Unix seconds; said once when a leak begins."""
        self._leak.record(self._ctx.clock.monotonic(), resident)
        rate = self._leak.bytes_per_second
        if rate is None or available is None:
            self._is_leaking = False
            return None
        when = self._ctx.clock.time() + available / rate
        if not self._is_leaking:
            self._is_leaking = True
            self._tell(rate, when)
        return when

    def _tell(self, rate: float, when: float) -> None:
        day = datetime.fromtimestamp(min(when, 253_402_300_799), UTC).date()
        text = f"{self.name} leaks {rate * 3600 / 1e6:.1f} MB of memory per hour; at this rate memory ends on {day}"
        self._ctx.logger.warning(text)
        self._ctx.record_event("leak", text)

    def _open_files(self, pids: Iterable[str]) -> int | None:
        try:
            return sum(len(os.listdir(self._proc / pid / "fd")) for pid in pids)  # noqa: PTH208
        except OSError:
            return None

    def _record_io(self, pids: Iterable[str]) -> None:
        """Bytes that they moved from and to disks; unknown where they are another user's."""
        before, self._seen = self._seen, {}
        for pid in pids:
            if (now := _io(self._proc / pid / "io")) is None:
                continue
            then = before.get(pid, {})
            self._seen[pid] = now
            for name, moved in now.items():
                grown = moved - then.get(name, 0)
                self._moved[name] = self._moved.get(name, 0.0) + (grown if grown >= 0 else moved)


def _io(file: Path) -> dict[bytes, int] | None:
    """/proc/PID/io (proc_pid_io(5)); None where it may not be read."""
    try:
        lines = (line.partition(b": ") for line in read_file(str(file), _IO_BYTES).splitlines())
        return {name: int(value) for name, _, value in lines if name in (_READ, _WRITTEN)}
    except (OSError, ValueError):
        return None
