"""Resident memory after some scrapes."""

from __future__ import annotations

import time

from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import Program, node_exporter
from bench.rows import full

_PAUSE = 0.1  # seconds between two scrapes
_MIB = 1 << 20


def measure(effort: Effort) -> list[Figure]:
    """Fresh processes for each pair."""
    rss, pss = [], []
    for _ in range(effort.pairs):
        (our_rss, our_pss), (their_rss, their_pss) = _pair(effort.memory_scrapes)
        rss.append((our_rss, their_rss))
        pss.append((our_pss, their_pss))
    note = f"`system` and `rapl` after {effort.memory_scrapes} scrapes"
    return [
        Figure("memory", "Resident memory (RSS)", "MiB", *zip(*rss, strict=True), Goal(1.6, 1.3), note),
        Figure("memory", "Proportional memory (PSS)", "MiB", *zip(*pss, strict=True), note=note),
    ]


def _pair(scrapes: int) -> tuple[tuple[float, float], tuple[float, float]]:
    with full.running(full.SYSTEM_AND_RAPL) as (ours, tree), node_exporter() as theirs:
        for _ in range(scrapes):
            tree.advance()
            ours.client.scrape()
            theirs.client.scrape()
            time.sleep(_PAUSE)
        return _mebibytes(ours), _mebibytes(theirs)


def _mebibytes(program: Program) -> tuple[float, float]:
    return program.process.rss_bytes() / _MIB, program.process.pss_bytes() / _MIB
