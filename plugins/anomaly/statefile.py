"""What was learnt, kept over a restart: one file of JSON lines, written beside the old one and swapped in whole.

The first line says who wrote it: `{"schema": 1, "row": 60.0, "at": …}`. Each further line is one thing, so that a
damaged one costs no other: `["series", text, state]`, `["group", component, state]` or `["record", "", state]`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from collector_core import describe
from collector_core.storage import AtomicFile, private_folder, set_aside
from collector_plugins.anomaly.anomalies import Record, as_saved, from_saved
from collector_plugins.anomaly.detector import Detector, Settings
from collector_plugins.anomaly.groups import Group
from collector_plugins.anomaly.watched import Watched

SCHEMA = 1
FORGET_SECONDS = 30 * 86_400.0
LINES_AT_ONCE = 100  # written in one run of the collector, so that no run takes long
MAX_LINE = 1 << 20
DETECTOR = "detector"


class Saved:
    """What a former run has left, taken out piece by piece as its series show up; `at` is when it was saved."""

    def __init__(self, file: Path, row: float, log: logging.Logger, now: float) -> None:
        self.at = 0.0
        self.records: list[Record] = []
        self._file = file
        self._row = row
        self._log = log
        self._now = now
        self._kept: dict[tuple[str, str], str] = {}
        self._damaged = 0

    def load(self) -> None:
        """Read the file if there is one; what cannot be used is said in the log, and learning begins anew."""
        try:
            with self._file.open(encoding="utf-8") as lines:
                if self._accepts(lines.readline()):
                    self._take(lines)
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            self._refuse(f"it cannot be read: {describe(error)}")
        if self._damaged:
            self._log.warning("%s: %d lines are damaged; what they held is learnt anew", self._file, self._damaged)

    def restore_series(self, watched: Watched) -> None:
        """Let a series that shows up go on where it was."""
        state = self._pop("series", watched.series.text)
        if state is not None:
            with self._reporting(watched.series.text):
                watched.restore(state, self._detector(state, watched.detector.settings))

    def restore_group(self, component: str, group: Group) -> None:
        """The same for a component."""
        state = self._pop("group", component)
        if state is not None:
            with self._reporting(component):
                group.restore(state, self._detector(state, group.detector.settings))

    def rest(self) -> Iterator[str]:
        """Lines of series that have not shown up yet, to be saved again; forgotten after 30 days."""
        yield from self._kept.values()

    def _accepts(self, line: str) -> bool:
        try:
            header = json.loads(line)
            schema, row, at = header["schema"], header["row"], float(header["at"])
        except (ValueError, TypeError, KeyError, RecursionError):
            self._refuse("its first line is not a header")
            return False
        if schema != SCHEMA:
            self._refuse(f"it has schema {schema}, and this version knows {SCHEMA}", "other-schema")
            return False
        if row != self._row:
            self._log.warning(
                "%s was learnt with rows of %s s, not %g s: learning begins anew", self._file, row, self._row
            )
            return False
        self.at = at if at - at == 0 else 0.0
        return True

    def _take(self, lines: Iterable[str]) -> None:
        for line in lines:
            try:
                kind, name, state = json.loads(line)
                self._keep(kind, name, state, line)
            except (ValueError, TypeError, RecursionError):
                self._damaged += 1

    def _keep(self, kind: str, name: str, state: Any, line: str) -> None:
        if kind not in ("series", "group", "record") or not isinstance(name, str) or not isinstance(state, dict):
            raise ValueError("no line of ours")
        if kind == "record":
            self.records.append(from_saved(state, self.at))
        elif kind == "group" or self._now - float(state.get("seen", 0.0)) < FORGET_SECONDS:
            self._kept[kind, name] = line

    def _pop(self, kind: str, name: str) -> dict[str, Any] | None:
        line = self._kept.pop((kind, name), None)
        return json.loads(line)[2] if line else None

    def _detector(self, state: Mapping[str, Any], settings: Settings) -> Detector:
        found = state.get(DETECTOR)
        if not isinstance(found, dict):
            raise ValueError("the detector's state is missing")  # noqa: TRY004 - as for all that is damaged
        return Detector.restore(found, settings)

    def _reporting(self, name: str) -> suppress:
        return _Reporting(self._log, self._file, name)

    def _refuse(self, reason: str, ending: str = "corrupt") -> None:
        """Set the file aside under a name of its own, so that the next save does not overwrite it."""
        try:
            kept = f"it is kept as {set_aside(self._file, ending).name}"
        except OSError as error:
            kept = f"it cannot be set aside: {describe(error)}"
        self._log.warning("%s is not used: %s; %s, and learning begins anew", self._file, reason, kept)


class _Reporting(suppress):
    """What cannot be restored is learnt anew, and the log says so."""

    def __init__(self, log: logging.Logger, file: Path, name: str) -> None:
        super().__init__(ValueError)
        self._about = log, file, name

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        handled = bool(super().__exit__(kind, error, trace))
        if handled and error is not None:
            log, file, name = self._about
            log.warning("%s: what was learnt of %s cannot be used: %s; it is learnt anew", file, name, error)
        return handled


class Saver:
    """Writes what was learnt, some lines at a time, and swaps the file in when all are written."""

    def __init__(self, file: Path, row: float, log: logging.Logger) -> None:
        self._file = file
        self._row = row
        self._log = log
        self._lines: Iterator[str] | None = None
        self._new: AtomicFile | None = None
        self._failing = False

    @property
    def is_under_way(self) -> bool:
        """Whether a save has begun and not ended."""
        return self._lines is not None

    def begin(self, lines: Iterator[str], now: float) -> None:
        """Start a save of what `lines` say, at `now` seconds since 1970."""
        self.abort()
        self._lines = lines
        try:
            private_folder(self._file.parent)
            self._new = AtomicFile(self._file)
            self._new.write(json.dumps({"schema": SCHEMA, "row": self._row, "at": now}) + "\n")
        except OSError as error:
            self._fail(error)

    def go_on(self, count: int | None = LINES_AT_ONCE) -> None:
        """Write up to `count` more lines, all of them if None; with the last one the file is there."""
        if self._lines is None or self._new is None:
            return
        try:
            for _, line in zip(range(count) if count else iter(int, 1), self._lines, strict=False):
                self._new.write(line)
            following = next(self._lines, None)
            if following is None:
                self._finish(self._new)
            else:
                self._new.write(following)
        except (OSError, ValueError) as error:
            self._fail(error)

    def abort(self) -> None:
        """Leave the old file as it is."""
        if self._new:
            self._new.discard()
        self._lines = self._new = None

    def _finish(self, new: AtomicFile) -> None:
        new.commit()
        self._lines = self._new = None
        if self._failing:
            self._log.info("what is learnt can be saved again in %s", self._file)
        self._failing = False

    def _fail(self, error: Exception) -> None:
        if not self._failing:
            self._log.warning(
                "%s cannot be written: %s; after a restart learning begins anew. Make the folder writable, "
                "or name another `state_dir`", self._file, describe(error),
            )  # fmt: skip
        self._failing = True
        self.abort()


def lines_of(
    watched: Iterable[Watched], groups: Mapping[str, Group], records: Iterable[Record], rest: Iterable[str]
) -> Iterator[str]:
    """The lines of a file; each is made when it is asked for."""
    for record in records:
        yield _line("record", "", as_saved(record))
    for component, group in groups.items():
        yield _line("group", component, group.state())
    for each in watched:
        if each.told:
            yield _line("series", each.series.text, each.state())
    yield from rest


def _line(kind: str, name: str, state: Mapping[str, Any]) -> str:
    return json.dumps([kind, name, state], separators=(",", ":"), allow_nan=False) + "\n"
