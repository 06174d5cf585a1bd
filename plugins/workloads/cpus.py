"""How busy the machine's CPUs were since the last look."""

from __future__ import annotations

from pathlib import Path

from collector_core.procfs import KeptFile, count_cpus, cpu_ticks, is_kernel_mount


class Cpus:
    """Reads `/proc/stat`; `count` is the number of CPUs online."""

    def __init__(self, proc: Path) -> None:
        self._stat = KeptFile(proc / "stat", is_kernels=is_kernel_mount(proc))
        self._busy: float | None = None
        self.count = 0

    def busy_seconds(self) -> float:
        """CPU seconds that they were busy since the last look, 0 at the first; raises `OSError` and `ValueError`."""
        content = self._stat.read()
        self.count = count_cpus(content)
        busy = cpu_ticks(content).busy_seconds
        before, self._busy = self._busy, busy
        return max(0.0, busy - before) if before is not None else 0.0

    def close(self) -> None:
        """Let go of the file; the next look opens it again."""
        self._stat.close()
