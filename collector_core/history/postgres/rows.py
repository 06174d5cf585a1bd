"""Rows in the binary format of COPY, which neither side has to parse; times are milliseconds since 1970 here."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from collector_core.history.interface import Columns, HistorySample
from collector_core.history.tiers import StepSummary
from collector_core.storage.postgres_copy import EPOCH, HEADER, TRAILER, copy_to_postgres, postgres_time

if TYPE_CHECKING:
    from psycopg import Connection

LATEST = 253_402_300_800_000  # the year 10000

_GAUGE = struct.Struct(">hiiiqidi")
_COUNTER = struct.Struct(">hiiiqidid")
_SUMMARY = struct.Struct(">hii" + 4 * "iq" + 5 * "id")
READING_COLUMNS = "series, time, value, rise"
SUMMARY_COLUMNS = "series, step, time, count, covered, integral, minimum, maximum, last, rise"


def encode_readings(numbers: Mapping[str, int], samples: Iterable[HistorySample]) -> Iterator[bytes]:
    """Rows of `readings`, by the numbers of the series' texts; the rise of a gauge is null."""
    is_counter: dict[str, bool] = {}
    for kept, time, value, rise in samples:
        text = kept.series.text
        if text not in is_counter:
            is_counter[text] = kept.is_counter
        moment = postgres_time(time)
        if is_counter[text]:
            yield _COUNTER.pack(4, 4, numbers[text], 8, moment, 8, value, 8, rise)
        else:
            yield _GAUGE.pack(4, 4, numbers[text], 8, moment, 8, value, -1)


def encode_summary(series: int, step: int, time: int, summary: StepSummary) -> bytes:
    """A row of `summaries`."""
    count, covered, *numbers = summary.row
    moment = postgres_time(time)
    floats = [part for number in numbers for part in (8, number)]
    return _SUMMARY.pack(10, 4, series, 8, step, 8, moment, 8, int(count), 8, int(covered), *floats)


def fetch(connection: Connection[Any], query: str, kinds: str) -> Columns:
    """The columns a query finds, read in binary; `kinds` says whether each is of times, of integers or of numbers.

    `t`: timestamptz, `q`: bigint, `d`: double precision; no column may be null.
    """
    layout = struct.Struct(">h" + "".join("i" + ("d" if kind == "d" else "q") for kind in kinds))
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
        data = b"".join(map(bytes, copy))
    rows = layout.iter_unpack(data[len(HEADER) : len(data) - len(TRAILER)])
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True))[2::2] or [()] * len(kinds)
    return [
        [moment // 1000 + EPOCH for moment in column] if kind == "t" else list(column)
        for kind, column in zip(kinds, columns, strict=True)
    ]


def merge(connection: Connection[Any], table: str, columns: str, rows: Iterable[bytes], conflict: str) -> int:
    """Add rows, and do what `conflict` says with those that are there already; returns how many were written."""
    connection.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS incoming ON COMMIT DROP AS SELECT {columns} FROM {table} LIMIT 0"
    )
    copy_to_postgres(connection, "pg_temp.incoming", columns, rows)
    found = connection.execute(
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM pg_temp.incoming ON CONFLICT {conflict}"
    )
    connection.execute("DROP TABLE pg_temp.incoming")
    return found.rowcount


def at(time: int) -> str:
    """A time as an expression that is known when the query is planned."""
    if time >= LATEST:
        return "timestamptz 'infinity'"
    moment = datetime.fromtimestamp(max(time, 0) / 1000, UTC)
    return f"timestamptz '{moment:%Y-%m-%d %H:%M:%S}.{max(time, 0) % 1000:03d}+00'"
