"""Rows of some series, kept in one CSV file per day, for a model to be trained on."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path

from collector_core import Selector, describe
from collector_core.storage import private_folder
from collector_plugins.anomaly.selection import selected
from collector_plugins.anomaly.watched import Watched

HEAD = ("time", "series", "value")
PREFIX = "history-"
MAX_SERIES = 20
Table = Mapping[str, Mapping[float, float]]


class History:
    """Appends a line per series and row: `time` (seconds since 1970), `series`, `value`; old days are deleted."""

    def __init__(self, folder: Path, series: Sequence[str], days: int, log: logging.Logger) -> None:
        self._folder = folder
        self._selectors = [Selector.parse(text) for text in series]
        self._days = days
        self._log = log
        self._chosen: dict[str, bool] = {}
        self._day = ""
        self._failing = False

    def add(self, watched: Iterable[Watched], when: float) -> None:
        """The row that ended at `when`; a disk that refuses is told once and costs nothing else."""
        if not self._days or not self._selectors:
            return
        lines = [(f"{when:.0f}", each.series.text, repr(each.value)) for each in watched if self._is_kept(each)]
        if not lines:
            return
        try:
            self._append(lines, when)
            self._failing = False
        except OSError as error:
            if not self._failing:
                self._log.warning("the history in %s cannot be written: %s", self._folder, describe(error))
            self._failing = True

    def _is_kept(self, watched: Watched) -> bool:
        text = watched.series.text
        if text not in self._chosen:
            room = sum(self._chosen.values()) < MAX_SERIES
            self._chosen[text] = room and selected(self._selectors, watched.series)
        return self._chosen[text]

    def _append(self, lines: Sequence[tuple[str, str, str]], when: float) -> None:
        day = datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d")
        file = self._folder / f"{PREFIX}{day}.csv"
        if day != self._day:
            private_folder(self._folder)
            self._day = day
            others = [each for each in files(self._folder) if each != file]
            for old in others[: max(0, len(others) + 1 - self._days)]:
                old.unlink(missing_ok=True)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not file.exists():
            writer.writerow(HEAD)
        writer.writerows(lines)
        with file.open("a", encoding="utf-8") as stream:
            stream.write(text.getvalue())


def files(folder: Path) -> list[Path]:
    """The days of a folder, oldest first."""
    return sorted(folder.glob(f"{PREFIX}????-??-??.csv"))


def read(paths: Iterable[Path]) -> Table:
    """All rows of files, by series and time; raises `ValueError` where a file is not a history, with its line."""
    table: dict[str, dict[float, float]] = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="") as stream:
            for time, series, value in parse(stream, path.name):
                table.setdefault(series, {})[time] = value
    return table


def parse(lines: Iterable[str], name: str) -> Iterator[tuple[float, str, float]]:
    """Time, series and value of each line; raises `ValueError`. A last line that was cut off is left out."""
    reader = csv.reader(lines)
    try:
        if tuple(next(reader, ())) == HEAD:
            yield from (_row(row) for row in reader if len(row) == len(HEAD))
            return
    except (csv.Error, ValueError) as error:
        raise ValueError(f"{name}, line {reader.line_num}: {error}") from error
    raise ValueError(f"{name}: the first line must be {','.join(HEAD)}")


def _row(row: Sequence[str]) -> tuple[float, str, float]:
    time, value = float(row[0]), float(row[2])
    if not (isfinite(time) and isfinite(value)):
        raise ValueError(f"{time}, {value}: not finite")
    return time, row[1], value
