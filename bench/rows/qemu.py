"""The qemu plugin among many processes: beside psutil, beside a C program, and in the whole program."""

from __future__ import annotations

import gc
import logging
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench.effort import Effort
from bench.figures import Figure, Goal, MissingProgramError
from bench.guests import Crowd
from bench.programs import Collectors, Program, energy_collector
from collector_core import Context, Readings
from collector_core.model.readings import NOTHING, Snapshot
from collector_plugins.qemu import Qemu

MODEL = {"coefficients": [30, 9, 0.1], "server_cores": 64, "pue": 1.3, "emission_factor": 50}
WARM_UP = 10  # runs until no process is new any more

_MEMORY = Path("/dev/shm")  # as /proc is: no disk, no journal
_SOURCE = Path(__file__).parents[1] / "readguests.c"


class Ours:
    """The plugin's collector, run by hand; what it publishes is thrown away."""

    def __init__(self, root: Path) -> None:
        ctx = Context(name="qemu", logger=logging.getLogger("bench"), interval=1.0, root=root)
        self._collector = Qemu(Qemu.config_type.model_validate(MODEL), ctx)
        self._last: Snapshot = NOTHING

    def run(self) -> float:
        """CPU milliseconds from the first file to the finished snapshot."""
        before = time.process_time()
        out = Readings(Qemu.metrics, max_series=Qemu.default_max_series, previous=self._last)
        self._collector.collect(out)
        self._last = out.snapshot()
        return (time.process_time() - before) * 1e3

    def close(self) -> None:
        self._collector.close()


def measure(effort: Effort) -> list[Figure]:
    """Ours beside psutil in turn, each after the guests' CPU time has moved on; then the whole program."""
    with _crowd(effort) as crowd:
        note = "`psutil.process_iter` with name, command line, CPU times and start"
        return [_beside(crowd, "psutil", _Psutil(crowd).run, Goal(0.035, 0.025), effort, note), _whole(crowd, effort)]


def measure_beside_c(effort: Effort) -> list[Figure]:
    """Ours beside a C program that only reads the same files."""
    with _crowd(effort) as crowd, _compiled() as program:
        return [
            _beside(crowd, "C", lambda: _run_c(program, crowd), Goal(1, 0.8), effort, "it only reads the same files")
        ]


@contextmanager
def _crowd(effort: Effort) -> Iterator[Crowd]:
    with TemporaryDirectory(prefix="bench-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        yield Crowd(Path(folder), effort.guests, 2 * effort.guests)


def _beside(crowd: Crowd, name: str, theirs: Callable[[], float], goal: Goal, effort: Effort, note: str) -> Figure:
    pairs = []
    theirs()  # once in vain: psutil keeps its objects from one time to the next
    with closing(Ours(crowd.proc.parent)) as ours:
        for number in range(WARM_UP + effort.pairs):
            crowd.advance()
            gc.collect()  # what one leaves behind is not to be cleared away by the other
            our_time = ours.run()
            if number >= WARM_UP:
                crowd.advance()
                pairs.append((our_time, theirs()))
    title = f"One run of `qemu`, {len(crowd.guests)} guests among {3 * len(crowd.guests)} processes, beside {name}"
    our_times, their_times = zip(*pairs, strict=True)
    return Figure("qemu", title, "ms", our_times, their_times, goal, note)


class _Psutil:
    """The same work as most would write it: find the guests by name, read their arguments and CPU time."""

    def __init__(self, crowd: Crowd) -> None:
        self._proc = str(crowd.proc)
        self._last: dict[int, tuple[float, float]] = {}

    def run(self) -> float:
        psutil.PROCFS_PATH = self._proc
        before = time.process_time()
        dict(self._usage(time.monotonic()))
        spent = (time.process_time() - before) * 1e3
        psutil.PROCFS_PATH = "/proc"
        if not self._last:
            raise RuntimeError("psutil finds no guests")
        return spent

    def _usage(self, now: float) -> Iterator[tuple[str, float]]:
        for process in psutil.process_iter(["pid", "name", "cmdline", "cpu_times", "create_time"]):
            found = process.info
            if not found["name"].startswith(("qemu-system-", "qemu-kvm", "kvm")):
                continue
            seconds = found["cpu_times"].user + found["cpu_times"].system
            last = self._last.get(found["pid"])
            self._last[found["pid"]] = seconds, now
            if last:
                yield found["cmdline"][2], (seconds - last[0]) / (now - last[1])


@contextmanager
def _compiled() -> Iterator[Path]:
    compiler = shutil.which("cc")
    if compiler is None:
        raise MissingProgramError("cc is not installed")
    with TemporaryDirectory(prefix="bench-") as folder:
        program = Path(folder, "readguests")
        subprocess.run([compiler, "-O2", "-o", str(program), str(_SOURCE)], check=True)
        yield program


def _run_c(program: Path, crowd: Crowd) -> float:
    command = [str(program), str(crowd.proc), "1", *map(str, crowd.guests)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _whole(crowd: Crowd, effort: Effort) -> Figure:
    """Percent of one core that the program takes with this plugin alone, which nobody scrapes."""
    collectors: Collectors = {"qemu": {"interval": "1s", "options": MODEL}}
    with energy_collector(collectors, root=crowd.proc.parent, until="qemu_vm_power_watts{") as program:
        program.client.close()
        _let_pass(crowd, WARM_UP)
        windows = [_percent(program, crowd, effort.idle_seconds) for _ in range(effort.idle_windows)]
    title = f"The whole program with `qemu` alone at 1 s, {len(crowd.guests)} guests"
    return Figure("qemu", title, "% of a core", windows, goal=Goal(2, 1.5), note="every guest busy, rendering included")


def _percent(program: Program, crowd: Crowd, seconds: int) -> float:
    start, before = time.perf_counter(), program.process.cpu_seconds()
    _let_pass(crowd, seconds)
    return (program.process.cpu_seconds() - before) / (time.perf_counter() - start) * 100


def _let_pass(crowd: Crowd, seconds: int) -> None:
    for _ in range(seconds):
        crowd.advance()
        time.sleep(1)
