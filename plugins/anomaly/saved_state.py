"""What a former run has learnt: read from its file, and handed out piece by piece as series show up.

The file has one JSON value per line. The first line is `{"schema": 1, "row": 60.0, "at": …}`; every other line is one
thing, so that a damaged line costs no other: `["series", text, state]`, `["group", component, state]` or
`["record", "", state]`. What became of anomalies is `["outcomes", "", state]`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from collector_core import describe
from collector_core.storage import count_set_aside, parse_document, read_bounded, set_aside
from collector_plugins.anomaly.detector import Detector, Settings
from collector_plugins.anomaly.detector.calendar import Calendar
from collector_plugins.anomaly.detector.component_detector import ComponentDetector
from collector_plugins.anomaly.incidents.incident import Incident
from collector_plugins.anomaly.incidents.track_record import TrackRecord
from collector_plugins.anomaly.series.watched_series import WatchedSeries
from collector_plugins.anomaly.state_checks import is_finite

SCHEMA = 1
SERIES = "series"
COMPONENT = "group"
INCIDENT = "record"
OUTCOMES = "outcomes"
FORGET_SECONDS = 30 * 86_400.0
MAX_BYTES = 1 << 29


class SavedState:
    """What a former run has left; `saved_at` is when, in seconds since 1970, 0 if there is nothing."""

    def __init__(self, path: Path, row: float, log: logging.Logger, now: float, calendar: Calendar) -> None:
        self.saved_at = 0.0
        self.incidents: list[Incident] = []
        self.corrupt_files = 0
        self._path = path
        self._row = row
        self._calendar = calendar
        self._log = log
        self._now = now
        self._lines: dict[tuple[str, str], str] = {}
        self._damaged = 0

    def load(self) -> None:
        """Read the file if there is one, and count those that were set aside before."""
        self._load()
        self.corrupt_files = count_set_aside(self._path, "corrupt", "unreadable")

    def _load(self) -> None:
        """Read the file if there is one; the log says what cannot be used, and that is learnt again."""
        try:
            lines = BytesIO(read_bounded(self._path, MAX_BYTES))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            self._set_aside(f"it cannot be read: {describe(error)}", "unreadable")
            return
        if self._accepts_header(lines.readline()):
            for line in lines:
                self._take_line(line)
        if self._damaged:
            self._log.warning("%s: %d lines are damaged; what they held is learnt again", self._path, self._damaged)

    def restore_series(self, watched: WatchedSeries) -> None:
        """Let a series that shows up continue where it was."""
        state = self._pop(SERIES, watched.series.text)
        if state is not None:
            with self._reporting(watched.series.text):
                watched.restore(state, self._restored_detector(state, watched.detector.settings))

    def restore_component(self, component: str, detector: ComponentDetector) -> None:
        """The same for a component."""
        state = self._pop(COMPONENT, component)
        if state is not None:
            with self._reporting(component):
                detector.restore(state, self._restored_detector(state, detector.detector.settings))

    def restore_record(self, record: TrackRecord) -> None:
        """The same for what became of anomalies."""
        state = self._pop(OUTCOMES, "")
        if state is not None:
            with self._reporting("what became of anomalies"):
                record.restore(state)

    def remaining_lines(self) -> Sequence[str]:
        """The lines of what has not shown up yet, to be saved again."""
        return tuple(self._lines.values())

    def _accepts_header(self, line: bytes) -> bool:
        try:
            header = parse_document(line)
            schema, row, at = header["schema"], header["row"], header["at"]
        except (ValueError, KeyError):
            self._set_aside("its first line is not a header", "corrupt")
            return False
        if schema != SCHEMA:
            self._set_aside(f"it has schema {schema}, and this version knows {SCHEMA}", "other-schema")
            return False
        if row != self._row:
            self._set_aside(f"it was learnt with rows of {row} s, and rows are {self._row:g} s", "other-rows")
            return False
        self.saved_at = at if is_finite(at) else 0.0
        return True

    def _take_line(self, line: bytes) -> None:
        try:
            kind, name, state = _parse_line(line)
            if kind == INCIDENT:
                self.incidents.append(Incident.restore(state))
            elif not self._is_forgotten(kind, state):
                self._lines[kind, name] = line.decode()
        except (ValueError, TypeError, RecursionError):
            self._damaged += 1

    def _is_forgotten(self, kind: str, state: Mapping[str, Any]) -> bool:
        """Whether the series was not seen for 30 days."""
        seen = state.get("seen", 0.0)
        return kind == SERIES and is_finite(seen) and self._now - seen >= FORGET_SECONDS

    def _pop(self, kind: str, name: str) -> dict[str, Any] | None:
        line = self._lines.pop((kind, name), None)
        return json.loads(line)[2] if line else None

    def _restored_detector(self, state: Mapping[str, Any], settings: Settings) -> Detector:
        found = state.get("detector")
        if not isinstance(found, dict):
            raise ValueError("the detector's state is missing")  # noqa: TRY004 - as for all that is damaged
        return Detector.restore(found, settings, calendar=self._calendar)

    @contextmanager
    def _reporting(self, name: str) -> Iterator[None]:
        """What cannot be restored is learnt again, and the log says so."""
        try:
            yield
        except ValueError as error:
            self._log.warning("%s: the state of %s cannot be used: %s; it is learnt again", self._path, name, error)

    def _set_aside(self, reason: str, why: str) -> None:
        """Rename the file, so that the next save does not overwrite it."""
        try:
            kept = f"it is kept as {set_aside(self._path, why).name}"
        except OSError as error:
            kept = f"it cannot be set aside: {describe(error)}"
        self._log.warning("%s is not used: %s; %s; learning starts over", self._path, reason, kept)


def _parse_line(line: bytes) -> tuple[str, str, dict[str, Any]]:
    kind, name, state = json.loads(line)
    if not (kind in (SERIES, COMPONENT, INCIDENT, OUTCOMES) and isinstance(name, str) and isinstance(state, dict)):
        raise ValueError("neither a series nor a component nor an incident nor outcomes")
    return kind, name, state
