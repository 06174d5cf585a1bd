"""The history beside VictoriaMetrics with the same readings: bytes on disk, CPU time of writing, time of answers."""

from __future__ import annotations

import json
import math
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from bench.effort import Effort
from bench.figures import Figure, Goal, MissingProgramError
from bench.processes import Process
from bench.programs import free_port
from collector_core.history import query
from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import Sample
from collector_core.history.query import Fn, Query
from collector_core.history.retention import give_back
from collector_core.history.store import Store
from collector_core.history.tiers import HOUR
from collector_core.model.labels import label_text
from collector_core.model.selector import Selector
from collector_core.model.series import Series

STEP = 10_000  # milliseconds between two readings
SEAL_TICKS = 180  # as often as the service seals its journal
START = 1_780_000_000_000 // HOUR * HOUR
KINDS = ("watts", "joules", "celsius", "ratio", "blocks")
_START_SECONDS = 20.0

Ticks = Sequence[Sequence[tuple[float, float]]]  # value and rise of each series, by time


def measure(effort: Effort) -> list[Figure]:
    """The size of what both have stored, ours of writing, and answers of both."""
    series = [_series(number) for number in range(effort.history_series)]
    ticks = _ticks(len(series), effort.history_hours * HOUR // STEP)
    with TemporaryDirectory(prefix="bench-") as folder, _victoria_metrics(Path(folder)) as theirs:
        store = Store(Path(folder, "ours"), [HOUR])
        store.open()
        cpu_seconds = _write(store, series, ticks)
        their_size = theirs.feed(series, ticks)
        rows = len(series) * len(ticks)
        note = f"{len(series)} series, {len(ticks)} readings each, all of them kept as they were collected"
        figures = [
            Figure("history", "bytes a reading on disk", "B", [store.size / rows], [their_size], Goal(1.5, 1), note),
            Figure(
                "history",
                "CPU of writing 500 series every 10 s",
                "%",
                [cpu_seconds / rows * 50 * 100],
                goal=Goal(0.5, 0.2),
            ),
            *_answers(store, theirs, effort),
        ]
        store.close()
    return figures


def _write(store: Store, series: Sequence[KeptSeries], ticks: Ticks) -> float:
    """CPU seconds of writing all readings as the service does."""
    before = time.process_time()
    for number, tick in enumerate(ticks, 1):
        now = START + (number - 1) * STEP
        store.append([Sample(kept, now, value, rise) for kept, (value, rise) in zip(series, tick, strict=True)])
        if number % SEAL_TICKS == 0:
            store.seal(now)
    now = START + len(ticks) * STEP + 24 * HOUR
    store.seal(now)
    store.compact(now)
    give_back(store)
    return time.process_time() - before


def _answers(store: Store, theirs: _VictoriaMetrics, effort: Effort) -> Iterator[Figure]:
    end = START + effort.history_hours * HOUR
    cases = {
        "an hour of one series, raw": (Query(Selector.parse('watts{i="0"}'), START, START + HOUR), "watts{i='0'}[1h]"),
        "one series by the hour": (
            Query(Selector.parse('watts{i="0"}'), START, end, HOUR),
            "avg_over_time(watts{i='0'}[1h])",
        ),
        "all watts by the hour, maximum": (
            Query(Selector.parse("watts"), START, end, HOUR, Fn.MAX),
            "max_over_time(watts[1h])",
        ),
        "all joules by the hour": (
            Query(Selector.parse("joules_total"), START, end, HOUR, Fn.INCREASE),
            "increase(joules_total[1h])",
        ),
    }
    for title, (asked, expression) in cases.items():
        ours = [_milliseconds(lambda asked=asked: list(query.run(store, asked))) for _ in range(effort.pairs)]
        ask = _their_question(theirs, expression, asked)
        yield Figure("history", title, "ms", ours, [_milliseconds(ask) for _ in range(effort.pairs)], Goal(1, 0.5))


def _their_question(theirs: _VictoriaMetrics, expression: str, asked: Query) -> Callable[[], object]:
    if expression.endswith("[1h]"):
        return lambda: theirs.get(f"/api/v1/query?query={expression}&time={(START + HOUR - 1) / 1000}")
    period = f"start={START // 1000 + 3600}&end={asked.end // 1000}&step=3600&nocache=1"
    return lambda: theirs.get(f"/api/v1/query_range?query={expression}&{period}")


class _VictoriaMetrics:
    """A running VictoriaMetrics with an empty store."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def get(self, path: str, body: bytes | None = None) -> bytes:
        """The answer to a request."""
        request = urllib.request.Request(self._url + path, data=body)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: bytes = answer.read()
            return found

    def feed(self, series: Sequence[KeptSeries], ticks: Ticks) -> float:
        """Give it the same readings; returns how many bytes each of them takes."""
        times = [START + number * STEP for number in range(len(ticks))]
        for number, kept in enumerate(series):
            metric = {"__name__": kept.series.name, **kept.series.labels}
            values = [tick[number][0] for tick in ticks]
            self.get("/api/v1/import", json.dumps({"metric": metric, "values": values, "timestamps": times}).encode())
        self.get("/internal/force_flush")
        self.get("/internal/force_merge")
        time.sleep(1)  # it merges in the background, and tells nobody when it is done
        return self._sum("vm_data_size_bytes") / self._sum("vm_rows")

    def _sum(self, name: str) -> float:
        """What its own metrics say of the parts that it stores."""
        lines = self.get("/metrics").decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f'{name}{{type="storage/'))


@contextmanager
def _victoria_metrics(folder: Path) -> Iterator[_VictoriaMetrics]:
    if not shutil.which("victoria-metrics"):
        raise MissingProgramError("victoria-metrics is not installed; apt-get install victoria-metrics")
    port, data = free_port(), folder / "theirs"
    options = (f"-storageDataPath={data}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y")
    with Process(["victoria-metrics", *options]):
        found = _VictoriaMetrics(port)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                found.get("/health")
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield found


def _series(number: int) -> KeptSeries:
    unit = KINDS[number % len(KINDS)]
    is_counter = unit == "joules"
    name, labels = (f"{unit}_total" if is_counter else unit), {"i": str(number)}
    kind = "counter" if is_counter else "gauge"
    return KeptSeries(Series(name + label_text(labels), name, labels, kind, unit, "", "bench"), "bench", 30_000)


def _ticks(series: int, count: int) -> Ticks:
    """Energy-like values: watts, joules, degrees, ratios, and what changes now and then."""
    noise = Random(1)
    joules = [0.0] * series
    ticks = []
    for tick in range(count):
        row = []
        for number in range(series):
            wave = math.sin((tick + 37 * number) / 500)
            rise = round(1000 + 200 * wave + noise.gauss(0, 10), 3)
            joules[number] = round(joules[number] + rise, 3)
            row.append(
                (
                    (round(100 + 20 * wave + noise.gauss(0, 1.5), 1), 0.0),
                    (joules[number], rise if tick else 0.0),
                    (float(round(50 + 5 * wave + noise.gauss(0, 0.2))), 0.0),
                    (round(0.5 + 0.2 * wave + noise.gauss(0, 0.02), 4), 0.0),
                    (float(tick // 700), 0.0),
                )[number % len(KINDS)]
            )
        ticks.append(row)
    return ticks


def _milliseconds(ask: Callable[[], object]) -> float:
    before = time.perf_counter()
    ask()
    return (time.perf_counter() - before) * 1000
