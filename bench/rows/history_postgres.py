"""The history in PostgreSQL: readings that waited on disk for ten minutes, beside a plain script that copies them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bench import postgres
from bench.effort import Effort
from bench.figures import Figure, Goal
from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import HistorySample
from collector_core.history.options import HistoryOptions
from collector_core.history.postgres.queued import QueuedStore
from collector_core.history.postgres.store import PostgresStore
from collector_core.model.clock import SystemClock
from collector_core.model.labels import label_text
from collector_core.model.series import Series
from tests.postgres import Database

GOAL = Goal(bar=0.5, stretch=0.8, more=True)
STEP = 10_000  # milliseconds between two readings
AWAY_TICKS = 60  # ten minutes
MOST_PAIRS = 3
SERIES = 500
NOBODY = "postgresql://nobody@127.0.0.1:1/nothing"
TABLE = """
    CREATE TABLE plain (
        series integer NOT NULL, time timestamptz NOT NULL, value double precision NOT NULL, rise double precision,
        PRIMARY KEY (series, time)
    )
"""

Batch = Sequence[HistorySample]


def measure(effort: Effort) -> list[Figure]:
    """Readings a second, ours and theirs in turn, each into an empty table."""
    with postgres.database() as (database, folder):
        return [_figure(database, folder, effort)]


def _figure(database: Database, folder: Path, effort: Effort) -> Figure:
    database.execute(f"GRANT CREATE ON DATABASE {database.name} TO {database.user}")
    database.execute(TABLE)
    batches = _batches()
    rows = sum(map(len, batches))
    ours, theirs = list[float](), list[float]()
    for pair in range(min(effort.pairs, MOST_PAIRS)):
        ours.append(rows / _deliver(database, batches, folder / f"away{pair}"))
        theirs.append(rows / _copy(database, batches))
        database.execute("TRUNCATE plain")
    title = f"{rows} readings of ten minutes away, from disk into PostgreSQL"
    return Figure("history-postgres", title, "rows/s", ours, theirs, GOAL, "theirs: one COPY of a plain script")


def _batches() -> list[Batch]:
    """The readings of each flush, as of the last hour, so that their partition is there."""
    series = [_series(number) for number in range(SERIES)]
    start = round(time.time() * 1000) - AWAY_TICKS * STEP
    return [
        [_sample(kept, number, tick, start + tick * STEP) for number, kept in enumerate(series)]
        for tick in range(AWAY_TICKS)
    ]


def _series(number: int) -> KeptSeries:
    labels = {"device": str(number)}
    name, kind = (("plug_energy_joules_total", "counter"), ("plug_power_watts", "gauge"))[number % 2]
    series = Series(name + label_text(labels), name, labels, kind, "", "A device's reading.", "bench")
    return KeptSeries(series, "bench", 3 * STEP)


def _sample(kept: KeptSeries, number: int, tick: int, moment: int) -> HistorySample:
    if kept.is_counter:
        return HistorySample(kept, moment, 1234.5 * tick + number, 1234.5 if tick else 0.0)
    return HistorySample(kept, moment, 100 + (number * tick % 97) / 10, 0.0)


def _deliver(database: Database, batches: Sequence[Batch], folder: Path) -> float:
    """Seconds from the full queue to the full table."""
    about = {"path": folder, "schema_name": folder.name, "agent": "bench"}
    away = QueuedStore(HistoryOptions(store=NOBODY, **about), SystemClock(), lambda: None)
    away.open()
    for batch in batches:
        away.append(batch)
    away.close()
    options = HistoryOptions(store=database.url(), **about)
    schema = PostgresStore(options, 1)
    schema.open()
    schema.release()
    schema.close()
    told = threading.Event()
    store = QueuedStore(options, SystemClock(), told.set)
    before = time.perf_counter()
    store.open()
    while store.waiting:
        told.wait()
        told.clear()
        store.check()
    seconds = time.perf_counter() - before
    store.close()
    return seconds


def _copy(database: Database, batches: Sequence[Batch]) -> float:
    """Seconds of what people write: one connection, one COPY, one COMMIT."""
    numbers = {sample.kept.series.text: number for sample, number in zip(batches[0], count(1), strict=False)}
    before = time.perf_counter()
    with database.server.connect(database.name) as connection:
        with connection.cursor() as cursor, cursor.copy("COPY plain FROM STDIN") as copy:
            for batch in batches:
                for kept, moment, value, rise in batch:
                    when = datetime.fromtimestamp(moment / 1000, UTC)
                    copy.write_row((numbers[kept.series.text], when, value, rise))
        return time.perf_counter() - before
