"""Scrape latency beside plugins that misbehave: what they cost the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import Collectors, Program, energy_collector

FOLDER = Path(__file__).parents[2] / "tests/bad_plugins"
BUSY = "bad_busy"
GOOD: Collectors = {"system": {"interval": "1s"}}
PERIOD = 0.097  # seconds; not a part of the collectors' interval, so that scrapes meet every moment of it

Percentiles = tuple[float, float]


def measure(effort: Effort) -> list[Figure]:
    """p50 and p99 beside all bad plugins but the busy loop, then beside the busy loop; without any in turn."""
    names = [name for name in _installed() if name != BUSY]
    return [
        *_figures(f"beside {len(names)} bad plugins", names, Goal(3, 1.5), effort),
        *_figures("beside `while True: pass`", [BUSY], None, effort),
    ]


def _installed() -> list[str]:
    lines = [line for file in FOLDER.glob("*.dist-info/entry_points.txt") for line in file.read_text().splitlines()]
    return sorted({line.partition(" = ")[0] for line in lines if " = " in line})


def _figures(beside: str, bad: Sequence[str], goal: Goal | None, effort: Effort) -> list[Figure]:
    collectors = {**GOOD, **{name: {} for name in bad}}
    with energy_collector(collectors, path=[FOLDER]) as ours, energy_collector(GOOD) as theirs:
        rounds = [_round([ours, theirs], effort.isolation_seconds) for _ in range(effort.extra_pairs)]
    (p50, p99), (p50_alone, p99_alone) = (zip(*each, strict=True) for each in zip(*rounds, strict=True))
    note = f"theirs: without them; rounds of {effort.isolation_seconds} s, a scrape every {PERIOD * 1e3:.0f} ms"
    title = f"Latency of a scrape {beside}"
    return [
        Figure("isolation", f"{title}, p50", "ms", p50, p50_alone, note=note),
        Figure("isolation", f"{title}, p99", "ms", p99, p99_alone, goal, note),
    ]


def _round(programs: Sequence[Program], seconds: int) -> list[Percentiles]:
    """Milliseconds of each program, scraped in turn."""
    latencies: list[list[float]] = [[] for _ in programs]
    start = time.perf_counter()
    for number in range(round(seconds / PERIOD)):
        time.sleep(max(0.0, start + number * PERIOD - time.perf_counter()))
        for program, found in zip(programs, latencies, strict=True):
            found.append(program.client.latency() * 1e3)
    return [(median(found), quantiles(found, n=100, method="inclusive")[98]) for found in latencies]
