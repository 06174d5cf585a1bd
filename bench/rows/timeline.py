"""Rows into PostgreSQL: the timeline, from its queue on disk, beside a plain script that copies them at once."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import postgres
from bench.effort import Effort
from bench.figures import Figure, Goal
from collector_core import Context
from collector_core.outputs.buffer import Buffer
from collector_core.outputs.codec import QueuedBody, RecordCodec
from collector_plugins.timeline import Timeline
from collector_plugins.timeline.config import Config
from collector_plugins.timeline.rows import Record, Row
from tests.postgres import Database

GOAL = Goal(bar=0.5, stretch=0.8, more=True)
MOST_PAIRS = 3
COPY = "COPY unified_timeline (event_type, source, value, metadata, created_at) FROM STDIN"


def measure(effort: Effort) -> list[Figure]:
    """Rows a second, ours and theirs in turn, each into an empty table."""
    with postgres.database() as (database, folder):
        return [_figure(database, folder, effort)]


def _figure(database: Database, folder: Path, effort: Effort) -> Figure:
    database.create_table()
    records = [_record(number) for number in range(effort.timeline_rows)]
    ours, theirs = list[float](), list[float]()
    for pair in range(min(effort.pairs, MOST_PAIRS)):
        ours.append(len(records) / _deliver(database, records, folder / f"queue{pair}.db"))
        database.execute("TRUNCATE unified_timeline")
        theirs.append(len(records) / _copy(database, records))
        database.execute("TRUNCATE unified_timeline")
    title = f"{len(records)} rows that waited on disk, into PostgreSQL"
    return Figure("timeline", title, "rows/s", ours, theirs, GOAL, "theirs: one COPY of a plain script")


def _deliver(database: Database, records: Sequence[Record], queue: Path) -> float:
    """Seconds from the full queue to the full table."""
    context = Context(name="timeline", logger=logging.getLogger("bench"), timeout=60.0)
    timeline = Timeline(Config(url=database.url()), context)
    size = Timeline.default_batch_size
    codec = RecordCodec(timeline, size)
    buffer = Buffer(queue, max_bytes=1 << 30, max_age=1e9, drop=_ignore)
    parts = [records[start : start + size] for start in range(0, len(records), size)]
    buffer.append([QueuedBody(len(part), json.dumps(part).encode()) for part in parts], time.time())
    timeline.test()
    before = time.perf_counter()
    while batch := buffer.next_batch(size):
        codec.sending(batch.bodies, may_repeat=False)()
        buffer.settle(batch, delivered=True)
    seconds = time.perf_counter() - before
    timeline.close()
    buffer.close()
    return seconds


def _ignore(*_: object) -> None:
    """Nothing is dropped here."""


def _copy(database: Database, records: Sequence[Record]) -> float:
    """Seconds of what people write: one connection, one COPY, one COMMIT."""
    with database.server.connect(database.name) as connection:
        before = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for each in records:
                when = datetime.fromtimestamp(each.created_at, UTC)
                copy.write_row((each.event_type, each.source, each.value, each.metadata, when))
        return time.perf_counter() - before


def _record(number: int) -> Record:
    metadata = {
        "node": f"node{number % 50}",
        "gpu_model": "RTX 4090",
        "power_draw_w": number / 7,
        "fan_speed_pct": None,
    }
    return Row("gpu_power_draw", f"gpu_node{number % 50}", number / 7, 1.8e9 + number, metadata).record()
