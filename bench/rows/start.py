"""From the start of the process to the first scrape with everything in it."""

from __future__ import annotations

from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import EVERYTHING, Program, energy_collector, node_exporter

SYSTEM = {"system": {"options": EVERYTHING}}


def measure(effort: Effort) -> list[Figure]:
    """Fresh processes, in turn; the first of each only warms the machine's caches."""
    pairs = [(_ours(), _theirs()) for _ in range(effort.pairs + 1)][1:]
    wall, cpu = ([(ours[place], theirs[place]) for ours, theirs in pairs] for place in (0, 1))
    title = "Start to first complete scrape"
    return [
        Figure("start", title, "ms", *zip(*wall, strict=True), Goal(8, 4), "`system`"),
        Figure("start", f"{title}, CPU", "ms", *zip(*cpu, strict=True), Goal(12, 4), "`system`"),
    ]


def _ours() -> tuple[float, float]:
    with energy_collector(SYSTEM) as program:
        return _milliseconds(program)


def _theirs() -> tuple[float, float]:
    with node_exporter() as program:
        return _milliseconds(program)


def _milliseconds(program: Program) -> tuple[float, float]:
    """By the clock, and of CPU, of which some may have been used after the scrape."""
    return program.start_seconds * 1e3, program.process.cpu_seconds() * 1e3
