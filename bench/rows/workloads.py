"""The workloads plugin among many processes in many control groups, beside others; and its joules, beside the truth."""

from __future__ import annotations

import gc
import logging
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import psutil

from bench.effort import Effort
from bench.figures import Figure, Goal, Table
from bench.known_loads import Loads, control_groups
from bench.programs import process_exporter
from bench.tree import Tree
from collector_core import Context
from collector_core.testing import FakeClock, Harness
from collector_plugins.energy import Energy
from collector_plugins.rapl import Rapl
from collector_plugins.workloads import Workloads, metrics
from collector_plugins.workloads.cpus import Cpus
from collector_plugins.workloads.machine import Machine

GROUPS = 300
INTERVAL = 5.0
WARM_UP = 3
_FIELDS = ["name", "cpu_times", "create_time"]
IDLE_WATTS, WATTS_PER_CPU = 20.0, 40.0  # of the machine whose truth is known
LOOK_SECONDS = 1.0


def measure_beside_process_exporter(effort: Effort) -> list[Figure | Table]:
    """The cost of one look of both in turn, and how far each is off for loads that are known."""
    return [*_costs_of_both(effort), _known_loads(effort)]


def measure(effort: Effort) -> list[Figure | Table]:
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
    note = f"`psutil.process_iter` with {', '.join(_FIELDS)}"
    share = [milliseconds / (INTERVAL * 10) for milliseconds in our_times]
    title = f"One look of `workloads` at {_what(effort)}"
    return [
        Figure("workloads", title, "ms", our_times, their_times, Goal(0.25, 0.1), note),
        Figure("workloads", f"The same every {INTERVAL:g} s", "% of a core", share, (), Goal(1.0, 0.5)),
    ]


def _costs_of_both(effort: Effort) -> list[Figure | Table]:
    """CPU time of both for one look; the other's includes the scrape in which it looks."""
    with (
        _crowd(3 * effort.guests),
        closing(Machine(Context(name="workloads", logger=logging.getLogger("bench")))) as ours,
        process_exporter() as theirs,
    ):
        pairs = []
        for number in range(WARM_UP + effort.pairs):
            ours_took, before = _milliseconds(ours.read_use), theirs.process.cpu_seconds()
            theirs.client.scrape()
            pair = ours_took, (theirs.process.cpu_seconds() - before) * 1e3
            if number >= WARM_UP:
                pairs.append(pair)
    our_times, their_times = zip(*pairs, strict=True)
    title = f"The same beside process-exporter, {_what(effort)}"
    note = "a scrape of process-exporter, without smaps and threads"
    return [Figure("workloads", title, "ms", our_times, their_times, Goal(0.25, 0.1), note)]


def _what(effort: Effort) -> str:
    return f"{3 * effort.guests} processes in {GROUPS} control groups"


def _known_loads(effort: Effort) -> Table:
    """Joules of burners on a RAPL tree that draws so many watts for each busy CPU, beside what they used."""
    names = {name: f"{name}-{os.getpid()}.service" for name in Loads.NAMES}
    with (
        TemporaryDirectory() as folder,
        patch.dict(os.environ, XDG_STATE_HOME=f"{folder}/state"),
        control_groups(list(names.values())) as groups,
        process_exporter() as other,
    ):
        tree = Tree(Path(folder, "root"))
        clock = FakeClock()
        rapl, energy, ours = _collectors(tree.root, clock)
        with closing(rapl), closing(energy), closing(ours):
            machine = _KnownMachine(tree, (rapl, energy, ours), clock, other.client.scrape)
            machine.run(3)
            loads = Loads(dict(zip(names, groups, strict=True)))
            try:
                machine.run(2 + effort.pairs)
            finally:
                theirs = _cpu_seconds(other.client.scrape().text)
                loads.stop()
            machine.run(2)
            given = {key[1]: joules for key, joules in ours.series(metrics.ENERGY).items() if key[-1] == "cpu"}
    lines = []
    for name, used in loads.cpu_seconds.items():
        truth = used * WATTS_PER_CPU
        error, their_error = given[names[name]] / truth - 1, theirs.get(name, 0.0) * WATTS_PER_CPU / truth - 1
        lines.append((name, truth, f"{error:+.1%}", f"{their_error:+.1%}"))
    head = ("load", "joules in truth", "error of `workloads` (bar 3 %)", "error by CPU seconds of process-exporter")
    return Table("workloads", "Joules of known loads", head, lines)


def _collectors(root: Path, clock: FakeClock) -> tuple[Harness, Harness, Harness]:
    rapl = Harness(Rapl, root, clock=clock)
    energy = Harness(Energy, root, clock=clock, energy_meters=rapl.collector.collector_energy_meters)
    idle = {"cpu": IDLE_WATTS}
    ours = Harness(Workloads, root, clock=clock, published=energy.published, idle_watts=idle, runtimes="off")
    return rapl, energy, ours


class _KnownMachine:
    """Draws so many watts with nothing to do, and more for each busy CPU; `looked` is called at each look.

    Its second package says the same as the first, which `rapl` takes for one counted twice.
    """

    def __init__(
        self, tree: Tree, collectors: Sequence[Harness], clock: FakeClock, looked: Callable[[], object]
    ) -> None:
        self._tree = tree
        self._collectors = collectors
        self._clock = clock
        self._looked = looked
        self._cpus = Cpus(Path("/proc"))
        self._cpus.busy_seconds()
        self._time = time.perf_counter()
        self._joules = 0.0

    def run(self, looks: int) -> None:
        """Let time pass, and all collectors look."""
        for _ in range(looks):
            time.sleep(LOOK_SECONDS)
            busy, now = self._cpus.busy_seconds(), time.perf_counter()
            self._joules += IDLE_WATTS * (now - self._time) + WATTS_PER_CPU * busy
            self._tree.show(self._joules)
            self._clock.advance(now - self._time)
            self._time = now
            for each in self._collectors:
                each.run()
            self._looked()


def _cpu_seconds(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    series = re.compile(r'^namedprocess_namegroup_cpu_seconds_total\{groupname="(\w+)",[^}]*\} (\S+)', re.MULTILINE)
    for name, value in series.findall(text):
        found[name] = found.get(name, 0.0) + float(value)
    return found


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
    with control_groups([f"unit-{number}.service" for number in range(GROUPS)]) as groups:
        pids: list[int] = []
        try:
            pids += [_sleeper(groups[number % GROUPS]) for number in range(processes)]
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            for pid in pids:
                os.waitpid(pid, 0)


def _sleeper(group: Path) -> int:
    pid = os.fork()
    if pid:
        (group / "cgroup.procs").write_text(str(pid))
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        signal.pause()
