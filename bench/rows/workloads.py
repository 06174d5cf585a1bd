"""The workloads plugin among many processes in many control groups, beside psutil."""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from bench.effort import Effort
from bench.figures import Figure, Goal, MissingProgramError
from collector_core import Context
from collector_core.procfs import is_kernel_mount
from collector_plugins.workloads.machine import Machine

GROUPS = 300
INTERVAL = 5.0
WARM_UP = 3
_MOUNTS = tuple(map(Path, ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")))
_FIELDS = ["name", "cpu_times", "create_time"]


def measure(effort: Effort) -> list[Figure]:
    """Ours beside psutil in turn, over real processes in real control groups of version 2."""
    with (
        _crowd(3 * effort.guests),
        closing(Machine(Context(name="workloads", logger=logging.getLogger("bench")))) as ours,
    ):
        pairs = []
        for number in range(WARM_UP + effort.pairs):
            gc.collect()
            pair = _milliseconds(ours.read_use), _milliseconds(_psutil)
            if number >= WARM_UP:
                pairs.append(pair)
    our_times, their_times = zip(*pairs, strict=True)
    what = f"{3 * effort.guests} processes in {GROUPS} control groups"
    note = f"`psutil.process_iter` with {', '.join(_FIELDS)}"
    share = [milliseconds / (INTERVAL * 10) for milliseconds in our_times]
    return [
        Figure("workloads", f"One look of `workloads` at {what}", "ms", our_times, their_times, Goal(0.25, 0.1), note),
        Figure("workloads", f"The same every {INTERVAL:g} s", "% of a core", share, (), Goal(1.0, 0.5)),
    ]


def _milliseconds(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1e3


def _psutil() -> None:
    for _ in psutil.process_iter(_FIELDS):
        pass


@contextmanager
def _crowd(processes: int) -> Iterator[None]:
    """Processes that sleep, each in one of the groups."""
    mount = next((each for each in _MOUNTS if is_kernel_mount(each) and (each / "cgroup.procs").exists()), None)
    if mount is None or os.geteuid() != 0:
        raise MissingProgramError("needs root and control groups of version 2")
    above = mount / f"bench-{os.getpid()}.slice"
    groups = [above / f"unit-{number}.service" for number in range(GROUPS)]
    pids: list[int] = []
    try:
        for group in groups:
            group.mkdir(parents=True)
        pids += [_sleeper(groups[number % GROUPS]) for number in range(processes)]
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)
        for group in [*filter(Path.exists, groups), *filter(Path.exists, [above])]:
            group.rmdir()


def _sleeper(group: Path) -> int:
    pid = os.fork()
    if pid:
        (group / "cgroup.procs").write_text(str(pid))
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        signal.pause()
