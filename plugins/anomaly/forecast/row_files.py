"""Rows of series in CSV files, for a model to be trained on."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path

HEADER = ("time", "series", "value")

RowTable = Mapping[str, Mapping[float, float]]
"""The rows of each series by time, in seconds since 1970."""


def read_rows(paths: Iterable[Path]) -> RowTable:
    """All rows of files; raises `ValueError` that names the line where one is not of this form, and `OSError`."""
    table: dict[str, dict[float, float]] = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="") as stream:
            for time, series, value in parse_rows(stream, path.name):
                table.setdefault(series, {})[time] = value
    return table


def parse_rows(lines: Iterable[str], name: str) -> Iterator[tuple[float, str, float]]:
    """Time, series and value of each line; raises `ValueError`. A line that was cut off is skipped."""
    reader = csv.reader(lines)
    try:
        if tuple(next(reader, ())) == HEADER:
            yield from (_parse_row(row) for row in reader if len(row) == len(HEADER))
            return
    except (csv.Error, ValueError) as error:
        raise ValueError(f"{name}, line {reader.line_num}: {error}") from error
    raise ValueError(f"{name}: the first line must be {','.join(HEADER)}")


def _parse_row(row: Sequence[str]) -> tuple[float, str, float]:
    time, value = float(row[0]), float(row[2])
    if not (isfinite(time) and isfinite(value)):
        raise ValueError(f"{time}, {value}: not finite")
    return time, row[1], value
