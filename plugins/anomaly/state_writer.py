"""Saves what was learnt, some lines at a time, so that no run of the collector takes long."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from collector_core import describe
from collector_core.storage import AtomicFile, private_folder
from collector_plugins.anomaly.detector.component_detector import ComponentDetector
from collector_plugins.anomaly.incidents.incident import Incident
from collector_plugins.anomaly.incidents.track_record import TrackRecord
from collector_plugins.anomaly.saved_state import COMPONENT, INCIDENT, OUTCOMES, SCHEMA, SERIES
from collector_plugins.anomaly.series.watched_series import WatchedSeries

LINES_AT_ONCE = 100


class StateWriter:
    """Writes the file that `SavedState` reads; it appears under its name when it is whole.

    A disk that refuses is reported once, and once more when it accepts again.
    """

    def __init__(self, path: Path, row: float, log: logging.Logger) -> None:
        self._path = path
        self._row = row
        self._log = log
        self._lines: Iterator[str] = iter(())
        self._file: AtomicFile | None = None
        self._is_failing = False

    @property
    def is_writing(self) -> bool:
        """Whether a save has started and not ended."""
        return self._file is not None

    def start(self, lines: Iterator[str], now: float) -> None:
        """Start to save `lines` at `now`, in seconds since 1970; a save in progress is abandoned."""
        self._abandon()
        self._lines = lines
        try:
            private_folder(self._path.parent)
            self._file = AtomicFile(self._path)
            self._file.write(json.dumps({"schema": SCHEMA, "row": self._row, "at": now}) + "\n")
        except OSError as error:
            self._fail(error)

    def write_lines(self, count: int | None = LINES_AT_ONCE) -> None:
        """Write up to `count` more lines, all of them if None; with the last one the file is in place."""
        if self._file is None:
            return
        try:
            for line in islice(self._lines, count):
                self._file.write(line)
            following = next(self._lines, None)
            if following is None:
                self._finish(self._file)
            else:
                self._file.write(following)
        except (OSError, ValueError) as error:
            self._fail(error)

    def _finish(self, file: AtomicFile) -> None:
        file.commit()
        self._file = None
        if self._is_failing:
            self._log.info("%s can be written again", self._path)
        self._is_failing = False

    def _fail(self, error: Exception) -> None:
        if not self._is_failing:
            self._log.warning(
                "%s cannot be written: %s; after a restart learning starts over; make the folder writable or set "
                "another `state_dir`", self._path, describe(error),
            )  # fmt: skip
        self._is_failing = True
        self._abandon()

    def _abandon(self) -> None:
        if self._file is not None:
            self._file.discard()
        self._file = None


def state_lines(
    watched: Iterable[WatchedSeries],
    components: Mapping[str, ComponentDetector],
    incidents: Iterable[Incident],
    record: TrackRecord,
    remaining: Iterable[str],
) -> Iterator[str]:
    """The lines of the file, each made when it is asked for; `remaining` are lines of what has not shown up yet."""
    yield _line(OUTCOMES, "", record.state())
    for incident in incidents:
        yield _line(INCIDENT, "", incident.state())
    for component, detector in components.items():
        yield _line(COMPONENT, component, detector.state())
    for each in watched:
        if each.rows_known:
            yield _line(SERIES, each.series.text, each.state())
    yield from remaining


def _line(kind: str, name: str, state: Mapping[str, Any]) -> str:
    return json.dumps([kind, name, state], separators=(",", ":"), allow_nan=False) + "\n"
