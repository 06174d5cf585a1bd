"""What measuring a piece of work costs, beside others who do, and how well a known power curve is found."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from math import cos
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.effort import Effort
from bench.figures import Figure, Goal, MissingProgramError
from bench.tree import Tree, repeated
from collector_core.energy import EnergyMonitor

PEERS = {"pyRAPL": 10, "pyJoules": 10, "codecarbon": 1}  # a part of our blocks; the last takes milliseconds each
PYTHON = "BENCH_PEERS"
_STEP_SECONDS = 0.001
_SCRIPT = Path(__file__).parents[1] / "trackers.py"


def measure(effort: Effort) -> list[Figure]:
    """Empty blocks on two sockets with memory, in turn with each of the others; then blocks of a known energy."""
    with _tree() as tree, closing(_monitor(tree)) as monitor:
        ours = [_microseconds(monitor, effort.blocks) for _ in range(effort.pairs)]
        title = "Entering and leaving measure()"
        figures = [Figure("measure", title, "µs", ours, goal=Goal(100, 60), note="RAPL, two packages with dram")]
        looked = [_microseconds(monitor, effort.blocks, look=True) for _ in range(effort.pairs)]
        figures.append(Figure("measure", f"{title}, then looking at the energy", "µs", looked))
        for name, share in PEERS.items():
            figures.append(_beside(name, max(5, effort.blocks * share // 100), tree, monitor, effort))
        figures.append(_accuracy(tree, effort))
    return figures


def _beside(name: str, blocks: int, tree: Tree, monitor: EnergyMonitor, effort: Effort) -> Figure:
    title = f"Entering and leaving, beside {name}"
    try:
        pairs = [
            (_microseconds(monitor, effort.blocks), _theirs(name, tree, blocks)) for _ in range(effort.extra_pairs)
        ]
    except MissingProgramError as missing:
        return Figure("measure", title, "µs", [_microseconds(monitor, effort.blocks)], note=f"skipped: {missing}")
    note = "theirs: start_task() and stop_task()" if name == "codecarbon" else "theirs: energy alone"
    return Figure("measure", title, "µs", *zip(*pairs, strict=True), note=note)


def _theirs(name: str, tree: Tree, blocks: int) -> float:
    """In an environment of their own, which is never ours."""
    python = os.environ.get(PYTHON)
    if not python:
        raise MissingProgramError(f"{PYTHON} names no python of an environment with {', '.join(PEERS)}")
    command = [python, "-W", "ignore", str(_SCRIPT), name, str(tree.root), str(blocks)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingProgramError(f"{name} does not run: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout.split()[-1])


def _microseconds(monitor: EnergyMonitor, blocks: int, *, look: bool = False) -> float:
    """The median block's; what it means is worked out at the first `look`."""
    samples = []
    for _ in range(blocks):
        before = time.perf_counter_ns()
        with monitor.measure("work") as m:
            pass
        if look:
            _ = m.energy_joules
        samples.append((time.perf_counter_ns() - before) / 1e3)
    return median(samples)


def _monitor(tree: Tree) -> EnergyMonitor:
    with _driven(tree):
        return EnergyMonitor("hardware", root=tree.root)


def _accuracy(tree: Tree, effort: Effort) -> Figure:
    errors = []
    with _driven(tree), closing(EnergyMonitor("hardware", root=tree.root)) as monitor:
        for _ in range(effort.extra_pairs):
            with monitor.measure() as m:
                begin = time.monotonic()
                time.sleep(effort.curve_seconds)
                end = time.monotonic()
            truth = 4 * (_joules(end) - _joules(begin))
            errors.append(abs((m.energy_joules or 0.0) / truth - 1) * 100)
    title = f"Error of a known power curve over {effort.curve_seconds} s"
    return Figure("measure", title, "%", errors, goal=Goal(0.5, 0.1), note="a thread moves the counters on every ms")


def _joules(seconds: float) -> float:
    """The area under 90 + 60 sin(t/3) + 20 sin(7t) watts."""
    return 90 * seconds - 180 * cos(seconds / 3) - 20 / 7 * cos(7 * seconds) if seconds else 0.0


@contextmanager
def _driven(tree: Tree) -> Iterator[None]:
    """While this lasts, every counter follows the curve."""

    def drive() -> None:
        tree.show(_joules(time.monotonic()))

    drive()  # before anybody looks: what comes next is no jump
    with repeated(drive, _STEP_SECONDS):
        yield


@contextmanager
def _tree() -> Iterator[Tree]:
    with TemporaryDirectory(prefix="bench-root-") as folder:
        tree = Tree(Path(folder))
        tree.nest()
        yield tree
