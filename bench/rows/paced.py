"""One scrape a second, each after a new collection: CPU per second and latency."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import median

from bench import scraping
from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import EVERYTHING, Program, energy_collector, node_exporter

SYSTEM = {"system": {"interval": "1s", "options": EVERYTHING}}

_BEFORE_ALL = 0.1  # of a second; collections start at 0
_RUNS = 'collector_runs_total{collector="system",plugin="system",result="ok"}'


@dataclass
class Paced:
    """A program with its own moment in each second, and what was measured of it."""

    program: Program
    moment: float
    cpu: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)

    @property
    def series(self) -> int:
        return scraping.series(self.program.client.scrape().text)


def measure(effort: Effort) -> list[Figure]:
    """Ours and node_exporter in turn, second by second, both without a history (it is in the row `parts`)."""
    with energy_collector(SYSTEM, history=False) as our_program, node_exporter() as their_program:
        ours, theirs = Paced(our_program, 0.25), Paced(their_program, 0.75)
        note = f"{ours.series} and {theirs.series} series"
        for _ in range(effort.pairs):
            run_round([ours, theirs], effort.paced_seconds)
    return _figures(ours, theirs, note)


def run_round(all_paced: list[Paced], seconds: int) -> None:
    """Scrape all of them once a second, each at its moment, for so many seconds."""
    before = [_settled(paced) for paced in all_paced]
    _sleep_to(_BEFORE_ALL)
    started = [paced.program.process.cpu_seconds() for paced in all_paced]
    latencies = [[_scrape(paced) for paced in all_paced] for _ in range(seconds)]
    _sleep_to(_BEFORE_ALL)
    for place, paced in enumerate(all_paced):
        paced.cpu.append((paced.program.process.cpu_seconds() - started[place]) / seconds)
        paced.latency.append(median(row[place] for row in latencies))
        _check_collections(before[place], _settled(paced), seconds)


def _settled(paced: Paced) -> float:
    return scraping.total(paced.program.client.scrape().text, _RUNS)


def _check_collections(before: float, after: float, seconds: int) -> None:
    """Ours collected as often as it was scraped; node_exporter does so by nature and counts no runs."""
    if before and after - before < seconds - 1:
        raise RuntimeError(f"only {after - before:.0f} collections in {seconds} seconds: nothing cached may win")


def _scrape(paced: Paced) -> float:
    _sleep_to(paced.moment)
    return paced.program.client.latency()


def _sleep_to(moment: float) -> None:
    """Until this fraction of a second on the clock that collectors are aligned to."""
    time.sleep((moment - time.clock_gettime(time.CLOCK_BOOTTIME)) % 1.0)


def _figures(ours: Paced, theirs: Paced, note: str) -> list[Figure]:
    def figure(title: str, our_seconds: list[float], their_seconds: list[float], goal: Goal) -> Figure:
        in_ms = ([seconds * 1e3 for seconds in each] for each in (our_seconds, their_seconds))
        return Figure("paced", title, "ms", *in_ms, goal, note)

    return [
        figure("CPU of one `system` collection + render + scrape", ours.cpu, theirs.cpu, Goal(0.45, 0.2)),
        figure("Latency of a paced scrape, gzip, p50", ours.latency, theirs.latency, Goal(0.2, 0.08)),
    ]
