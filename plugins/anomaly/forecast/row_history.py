"""Rows of some series, kept in one CSV file per day, for a model to be trained on."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path

from collector_core import Selector, Series, describe
from collector_core.storage import append_private, private_folder

HEADER = ("time", "series", "value")
PREFIX = "history-"
MAX_SERIES = 20
RowTable = Mapping[str, Mapping[float, float]]


class RowHistory:
    """Appends a line per row and series: `time` (seconds since 1970), `series`, `value`.

    Keeps at most 20 series a day of those that `series` selects, and `days` days; 0 keeps nothing.
    """

    def __init__(self, folder: Path, series: Sequence[Selector], days: int, log: logging.Logger) -> None:
        self._folder = folder
        self._selectors = series
        self._days = days
        self._log = log
        self._chosen: dict[str, bool] = {}
        self._day = ""
        self._is_failing = False

    def append_rows(self, rows: Iterable[tuple[Series, float]], when: float) -> None:
        """Append the rows that ended at `when`; a disk that refuses is reported once and costs nothing else."""
        if not self._days or not self._selectors:
            return
        day = datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d")
        if day != self._day:
            self._chosen.clear()
        lines = [(f"{when:.0f}", series.text, repr(value)) for series, value in rows if self._is_chosen(series)]
        if not lines:
            return
        try:
            self._append_lines(lines, day)
            self._is_failing = False
        except OSError as error:
            if not self._is_failing:
                self._log.warning("the history in %s cannot be written: %s", self._folder, describe(error))
            self._is_failing = True

    def _is_chosen(self, series: Series) -> bool:
        if series.text not in self._chosen:
            has_room = sum(self._chosen.values()) < MAX_SERIES
            self._chosen[series.text] = has_room and any(selector.means(series) for selector in self._selectors)
        return self._chosen[series.text]

    def _append_lines(self, lines: Sequence[tuple[str, str, str]], day: str) -> None:
        path = self._folder / f"{PREFIX}{day}.csv"
        if day != self._day:
            private_folder(self._folder)
            self._delete_old_days(path)
            self._day = day
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not path.exists():
            writer.writerow(HEADER)
        writer.writerows(lines)
        append_private(path, text.getvalue())

    def _delete_old_days(self, today: Path) -> None:
        others = [path for path in history_files(self._folder) if path != today]
        for path in others[: max(0, len(others) + 1 - self._days)]:
            path.unlink(missing_ok=True)


def history_files(folder: Path) -> list[Path]:
    """The files of a folder, the oldest day first."""
    return sorted(folder.glob(f"{PREFIX}????-??-??.csv"))


def read_history(paths: Iterable[Path]) -> RowTable:
    """All rows of files, by series and time; raises `ValueError` that names the line where a file is not a history."""
    table: dict[str, dict[float, float]] = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="") as stream:
            for time, series, value in parse_history(stream, path.name):
                table.setdefault(series, {})[time] = value
    return table


def parse_history(lines: Iterable[str], name: str) -> Iterator[tuple[float, str, float]]:
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
