"""The history beside VictoriaMetrics with the same readings: bytes on disk, CPU time, memory, and time of answers.

A month of a simulated rack is written a day of a series at a time, as imports are, and a part of a day as the collector
does it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from math import fsum, isclose
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from bench import victoria_metrics
from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.rack import DAY, GAP, KINDS, START, STEP, Rack
from bench.victoria_metrics import VictoriaMetrics
from collector_core.history import query
from collector_core.history.catalogue import KeptSeries
from collector_core.history.energy import energy_of
from collector_core.history.interface import EVER, Batch, SeriesGroup
from collector_core.history.points import Points
from collector_core.history.query import Fn, HistoryQuery
from collector_core.history.retention import give_back
from collector_core.history.store import Store
from collector_core.history.tiers import HOUR, floor_to
from collector_core.model.selector import Selector

SEAL_TICKS = 180  # as often as the service seals its journal
MINUTE = 60_000
TIERS = [MINUTE, 15 * MINUTE, HOUR]
LIVE_HOURS = 3
MEMORY_HOURS = 3


def measure(effort: Effort) -> list[Figure]:
    """The size of what both have stored, ours of writing, and answers of both."""
    rack = Rack(effort.history_series)
    with TemporaryDirectory(prefix="bench-") as folder, victoria_metrics.running(Path(folder, "theirs")) as theirs:
        store = Store(Path(folder, "ours"), [HOUR])
        store.open()
        began = time.monotonic()
        cpu_seconds, rows, seen = _write_month(store, theirs, rack, effort.history_days)
        their_cpu, lasted = theirs.process.cpu_seconds(), time.monotonic() - began
        note = (
            f"{len(rack.series)} series, {effort.history_days} days, {rows / 1e6:.1f} million readings as they were "
            f"collected, with an hourly tier; {lasted:.0f} s for both and the simulation"
        )
        _check(store, rack, effort.history_days)
        for kept, days in seen.items():
            _check_series(store, kept, days)
        sizes = [store.size / rows], [theirs.bytes_a_row()]
        figures = [
            Figure("history", "bytes a reading on disk", "B", *sizes, Goal(1.5, 1), note),
            Figure(
                "history", "CPU of taking a million readings", "s", [cpu_seconds / rows * 1e6], [their_cpu / rows * 1e6]
            ),
            *_answers(store, theirs, rack, effort),
        ]
        store.close()
        figures.append(_live(Path(folder, "live"), effort))
    return [*figures, _memory(effort)]


def _write_month(
    store: Store, theirs: VictoriaMetrics, rack: Rack, days: int
) -> tuple[float, int, dict[KeptSeries, list[Points]]]:
    """CPU seconds that ours took, how many readings each of both has, and the days of a series of each kind."""
    spent, rows = 0.0, 0
    seen: dict[KeptSeries, list[Points]] = {kept: [] for kept in rack.series[: len(KINDS)]}
    store.seal(START + (days + 1) * DAY)
    for day in range(days):
        for number, kept in enumerate(rack.series):
            points = rack.day(number, day)
            theirs.write({"__name__": kept.series.name, **kept.series.labels}, points)
            before = time.thread_time()
            store.put(kept, points)
            spent += time.thread_time() - before
            rows += len(points)
            if kept in seen:
                seen[kept].append(points)
    give_back(store)
    return spent, rows, seen


def _check(store: Store, rack: Rack, days: int) -> None:
    """What is asked of it is what was simulated."""
    found = energy_of(store, START, START + days * DAY, "device")["rows"]
    expected = {kept.series.labels["device"]: joules / 1000 for kept, joules in _counters(rack)}
    if {row["device"]: round(row["joules"], 3) for row in found} != expected:
        raise SystemExit("the history has other energy than was simulated")


def _check_series(store: Store, kept: KeptSeries, days: Sequence[Points]) -> None:
    """Every reading of a series, and its hourly means and maxima, are what was simulated."""
    times, values = (list(chain.from_iterable(getattr(day, name) for day in days)) for name in ("times", "values"))
    hours: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for at, value, after in zip(times, values, [*times[1:], times[-1]], strict=True):
        hours[floor_to(at, HOUR)].append((value, after - at if after - at <= GAP else 0))
    selector = Selector.parse(kept.series.text)
    for fn, expected in ((Fn.MEAN, _mean), (Fn.MAX, _largest)):
        (found,) = query.run(store, HistoryQuery(selector, 0, EVER, HOUR, fn))
        said = dict(zip(found.times, found.values, strict=True))
        if said.keys() != hours.keys() or not all(isclose(said[hour], expected(hours[hour])) for hour in hours):
            raise SystemExit(f"the hourly {fn} of {kept.series.text} is not what was simulated")
    (found,) = query.run(store, HistoryQuery(selector, 0, EVER))
    if list(found.times) != times or list(found.values) != values:
        raise SystemExit(f"the readings of {kept.series.text} are not what was simulated")


def _mean(held: Sequence[tuple[float, int]]) -> float:
    return fsum(value * time for value, time in held) / sum(time for _, time in held)


def _largest(held: Sequence[tuple[float, int]]) -> float:
    return max(value for value, _ in held)


def _counters(rack: Rack) -> Iterator[tuple[KeptSeries, int]]:
    return ((kept, joules) for kept, joules in zip(rack.series, rack.joules, strict=True) if kept.is_counter)


def _answers(store: Store, theirs: VictoriaMetrics, rack: Rack, effort: Effort) -> Iterator[Figure]:
    days = effort.history_days
    end = START + days * DAY
    hour = START + (days - 1) * DAY + 5 * HOUR
    one, every = Selector.parse('watts{i="0"}'), Selector.parse("{}")
    devices = [kept.series.labels["device"] for kept, _ in _counters(rack)]
    instant = f"/api/v1/query?time={(end - 1) / 1000}&nocache=1&query="
    raw = quote('watts{i="0"}[1h]')
    energy = f'increase(energy_joules_total{{device=~"{"|".join(devices)}"}}[{days}d])'
    yield _answer(
        f"{days} days of one series by the hour",
        lambda: list(query.run(store, HistoryQuery(one, START, end, HOUR))),
        lambda: theirs.get(_by_hour('avg_over_time(watts{i="0"}[1h])', end)),
        20,
        effort,
    )
    yield _answer(
        "an hour of one series, raw",
        lambda: list(query.run(store, HistoryQuery(one, hour, hour + HOUR))),
        lambda: theirs.get(f"/api/v1/query?time={(hour + HOUR - 1) / 1000}&query={raw}"),
        2,
        effort,
    )
    yield _answer(
        f"energy of {len(devices)} devices in {days} days",
        lambda: energy_of(store, START, end, "device"),
        lambda: theirs.get(instant + quote(energy)),
        len(devices),
        effort,
    )
    for title, fn, theirs_fn in (("mean", Fn.MEAN, "avg"), ("maximum", Fn.MAX, "max")):
        expression = f'{theirs_fn}_over_time({{__name__!=""}}[1h])'
        yield _answer(
            f"hourly {title} of all {len(rack.series)}",
            lambda fn=fn: list(query.run(store, HistoryQuery(every, START, end, HOUR, fn))),
            lambda expression=expression: theirs.get(_by_hour(expression, end)),
            500,
            effort,
        )


def _answer(title: str, ours: Callable[[], object], theirs: Callable[[], object], bar: float, effort: Effort) -> Figure:
    """Milliseconds of ours, in this process, and of theirs by HTTP."""
    pairs = [(_milliseconds(ours), _milliseconds(theirs)) for _ in range(effort.pairs)]
    return Figure("history", title, "ms", *zip(*pairs, strict=True), Goal(1, 0.5), f"bar {bar} ms")


def _by_hour(expression: str, end: int) -> str:
    period = f"start={START // 1000 + 3600}&end={end // 1000}&step=3600&nocache=1"
    return f"/api/v1/query_range?query={quote(expression)}&{period}"


def _live(folder: Path, effort: Effort) -> Figure:
    """CPU of readings that come one by one, are written every ten seconds, sealed and compacted."""
    rack = Rack(effort.history_series)
    days = [rack.day(number, 0) for number in range(len(rack.series))]
    gauges_last = sorted(zip(rack.series, days, strict=True), key=lambda pair: not pair[0].is_counter)
    columns = [points for _, points in gauges_last]
    group = SeriesGroup([kept for kept, _ in gauges_last], sum(kept.is_counter for kept in rack.series))
    store = Store(folder, TIERS)
    store.open()
    spent = time.thread_time()
    for tick in range(LIVE_HOURS * HOUR // STEP):
        now = START + tick * STEP
        values = array("d", [points.values[tick] for points in columns])
        rises = array("d", [points.rises[tick] for points in columns[: group.counters]])
        store.record([Batch(group, array("q", [now]), values, rises)])
        if tick % SEAL_TICKS == SEAL_TICKS - 1:
            store.seal(now)
    store.seal(START + 2 * DAY)
    store.compact(START + 2 * DAY)
    spent = time.thread_time() - spent
    store.close()
    share = spent / (LIVE_HOURS * 3600) / len(rack.series) * 500 * 100
    note = "flushed every 10 s, with three tiers and compaction"
    return Figure("history", "CPU of writing 500 series every 10 s", "%", [share], goal=Goal(0.5, 0.2), note=note)


def _memory(effort: Effort) -> Figure:
    added = [_peak("on", effort) - _peak("off", effort) for _ in range(effort.imports)]
    note = f"the most within {MEMORY_HOURS} hours across midnight, in a process with and in one without"
    return Figure("history", "resident memory it adds, 500 series", "MiB", added, goal=Goal(12, 6), note=note)


def _peak(mode: str, effort: Effort) -> float:
    command = [sys.executable, "-m", "bench.history_memory", mode, str(effort.history_series), str(MEMORY_HOURS)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(found.stdout) / 1024


def _milliseconds(ask: Callable[[], object]) -> float:
    before = time.perf_counter()
    ask()
    return (time.perf_counter() - before) * 1000
