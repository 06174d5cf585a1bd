"""From the start of the process to the first scrape with everything in it."""

from __future__ import annotations

from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import EVERYTHING, energy_collector, node_exporter

SYSTEM = {"system": {"options": EVERYTHING}}


def measure(effort: Effort) -> list[Figure]:
    """Fresh processes, in turn; the first of each only warms the machine's caches."""
    pairs = [(_ours(), _theirs()) for _ in range(effort.pairs + 1)][1:]
    return [Figure("start", "Start to first complete scrape", "ms", *zip(*pairs, strict=True), Goal(8, 4), "`system`")]


def _ours() -> float:
    with energy_collector(SYSTEM) as program:
        return program.start_seconds * 1e3


def _theirs() -> float:
    with node_exporter() as program:
        return program.start_seconds * 1e3
