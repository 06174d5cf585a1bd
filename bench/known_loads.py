"""Loads whose CPU time is known, each in a control group of its own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.figures import MissingProgramError
from collector_core.procfs import is_kernel_mount

PERIOD = 0.1  # seconds in which a burner is busy for its part
SHORT = 0.02  # seconds that a short-lived process burns
_MOUNTS = tuple(map(Path, ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")))


@contextmanager
def control_groups(names: Sequence[str]) -> Iterator[list[Path]]:
    """New groups of version 2 below one slice; whatever runs in them is ended."""
    mount = next((each for each in _MOUNTS if is_kernel_mount(each) and (each / "cgroup.procs").exists()), None)
    if mount is None or os.geteuid() != 0:
        raise MissingProgramError("needs root and control groups of version 2")
    above = mount / f"bench-{os.getpid()}.slice"
    groups = [above / name for name in names]
    try:
        for group in groups:
            group.mkdir(parents=True)
        yield groups
    finally:
        for group in [*filter(Path.exists, groups), *filter(Path.exists, [above])]:
            group.rmdir()


class Loads:
    """Burners by name: 10, 30 and 60 % of a CPU, and one that does nothing but start short-lived processes."""

    NAMES = ("burn10", "burn30", "burn60", "shorts")

    def __init__(self, groups: Mapping[str, Path]) -> None:
        self._pids = {name: _start(name, groups[name]) for name in self.NAMES}
        self.cpu_seconds: dict[str, float] = {}

    def stop(self) -> None:
        """End them; `cpu_seconds` is then what the kernel says that each has used, with its children."""
        for name, pid in self._pids.items():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            _, _, usage = os.wait4(pid, 0)
            self.cpu_seconds[name] = usage.ru_utime + usage.ru_stime
        self._pids = {}


def _start(name: str, group: Path) -> int:
    pid = os.fork()
    if pid:
        (group / "cgroup.procs").write_text(str(pid))
        return pid
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Path("/proc/self/comm").write_text(name)
    while True:
        if name == "shorts":
            _burn_below(SHORT)
            time.sleep(PERIOD / 2)
        else:
            part = int(name.removeprefix("burn")) / 100
            _burn(PERIOD * part)
            time.sleep(PERIOD * (1 - part))


def _burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def _burn_below(seconds: float) -> None:
    pid = os.fork()
    if not pid:
        _burn(seconds)
        os._exit(0)
    os.waitpid(pid, 0)
