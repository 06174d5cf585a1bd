"""Scrapes between two collections: what a second scraper costs."""

from __future__ import annotations

from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import EVERYTHING, Program, energy_collector, node_exporter

SYSTEM = {"system": {"interval": "60s", "options": EVERYTHING}}


def measure(effort: Effort) -> list[Figure]:
    """CPU of ours and of node_exporter for the same number of scrapes, in turn."""
    with energy_collector(SYSTEM) as ours, node_exporter() as theirs:
        pairs = [
            (_microseconds(ours, effort.scrapes), _microseconds(theirs, effort.scrapes)) for _ in range(effort.pairs)
        ]
    title = "CPU of a scrape between collections"
    note = f"{effort.scrapes} scrapes one after another on one connection"
    return [Figure("between", title, "µs", *zip(*pairs, strict=True), Goal(0.015, 0.01), note)]


def _microseconds(program: Program, scrapes: int) -> float:
    before = program.process.cpu_seconds()
    for _ in range(scrapes):
        program.client.scrape()
    return (program.process.cpu_seconds() - before) / scrapes * 1e6
