"""Answers as CSV, NDJSON, Arrow and Parquet: tables with named columns."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any

from collector_core.errors import NotAvailable, Reason

COLUMNS = ("time", "series", "value")

Row = Sequence[Any]


class HistoryFormat(StrEnum):
    """How an answer is written."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"


CONTENT_TYPES = {
    HistoryFormat.JSON: "application/json",
    HistoryFormat.NDJSON: "application/x-ndjson",
    HistoryFormat.CSV: "text/csv",
    HistoryFormat.ARROW: "application/vnd.apache.arrow.stream",
    HistoryFormat.PARQUET: "application/vnd.apache.parquet",
}


def accepted(accept: str) -> HistoryFormat:
    """The first format that an `Accept` header names; JSON where it names none of ours."""
    named = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    kinds = {content_type: kind for kind, content_type in CONTENT_TYPES.items()}
    return next((kinds[name] for name in named if name in kinds), HistoryFormat.JSON)


def write_table(kind: HistoryFormat, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """A table in pieces; raises `NotAvailable` where pyarrow is needed and not installed."""
    if kind is HistoryFormat.CSV:
        return _csv(columns, rows)
    if kind in (HistoryFormat.ARROW, HistoryFormat.PARQUET):
        return iter([_arrow(kind, columns, rows)])
    return (json.dumps(dict(zip(columns, row, strict=True))).encode() + b"\n" for row in rows)


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(row)
        if text.tell() > 1 << 16:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    taken = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return taken


def _arrow(kind: HistoryFormat, columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra of 170 MB
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError:
        fix = "pip install 'energy-collector[parquet]'"
        raise NotAvailable(Reason.NOT_SUPPORTED, f"{kind} needs pyarrow, which is not installed", fix=fix) from None
    data = list(zip(*rows, strict=True)) or [()] * len(columns)
    numbers = {"time", "value"}  # whole numbers, too, so that all answers have one schema
    arrays = [
        pa.array(each, pa.float64() if name in numbers else None) for name, each in zip(columns, data, strict=True)
    ]
    table = pa.table(arrays, names=list(columns))
    sink = pa.BufferOutputStream()
    if kind is HistoryFormat.PARQUET:
        pq.write_table(table, sink, compression="zstd")
    else:
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return bytes(sink.getvalue())
