"""CPU of a process that nobody scrapes."""

from __future__ import annotations

import time

from bench import scraping
from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import Collectors, Program
from bench.rows import full
from bench.tree import Tree

INSTANCES = 20
_START_SECONDS = 10.0
IDLE: Collectors = {
    f"idle{number}": {"plugin": "bench_idle", "interval": "1s", "labels": {"number": str(number)}}
    for number in range(INSTANCES)
}


def measure(effort: Effort) -> list[Figure]:
    """Percent of one core with everything, and what `system` and `rapl` alone take of it."""
    title = f"Idle CPU at 1 s interval, `system` + `rapl` + {INSTANCES} idle instances"
    note = f"{effort.idle_windows} windows of {effort.idle_seconds} s; idle: one constant gauge each"
    without = "Idle CPU at 1 s interval, `system` + `rapl`"
    with full.running({**full.SYSTEM_AND_RAPL, **IDLE}) as (busy, tree), full.running(full.SYSTEM_AND_RAPL) as (few, _):
        _leave_alone(busy, INSTANCES + 2)
        _leave_alone(few, 2)
        windows = [_percents([busy, few], tree, effort.idle_seconds) for _ in range(effort.idle_windows)]
    busy_windows, few_windows = zip(*windows, strict=True)
    return [
        Figure("idle", title, "% of a core", busy_windows, goal=Goal(0.5, 0.1), note=note),
        Figure("idle", without, "% of a core", few_windows),
    ]


def _leave_alone(program: Program, instances: int) -> None:
    """Hang up once every instance runs."""
    deadline = time.perf_counter() + _START_SECONDS
    while scraping.total(program.client.scrape().text, "collector_up{") < instances:
        if time.perf_counter() > deadline:
            raise RuntimeError("not every instance runs")
        time.sleep(0.1)
    program.client.close()


def _percents(programs: list[Program], tree: Tree, seconds: int) -> list[float]:
    start = time.perf_counter()
    before = [program.process.cpu_seconds() for program in programs]
    full.let_pass(tree, seconds)
    elapsed = time.perf_counter() - start
    after = [program.process.cpu_seconds() for program in programs]
    return [(end - begin) / elapsed * 100 for begin, end in zip(before, after, strict=True)]
