"""Measurements that are kept, in one SQLite file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector_core.errors import StartupError, describe, explain
from collector_core.measure.measurement import Measurement
from collector_core.storage.document import parse_document
from collector_core.storage.errors import StorageError
from collector_core.storage.schema import Schema
from collector_core.storage.sqlite import Database
from collector_core.storage.user_folders import data_home

log = logging.getLogger(__name__)

BUSY_SECONDS = 10.0  # to wait for another process that writes
SCHEMA = Schema(
    [
        (
            """
            CREATE TABLE measurements (
                id INTEGER PRIMARY KEY,
                started_at REAL NOT NULL,
                label TEXT NOT NULL,
                command TEXT,
                exit_code INTEGER,
                method TEXT NOT NULL,
                energy_joules REAL,
                duration_seconds REAL NOT NULL,
                result TEXT NOT NULL
            ) STRICT
            """,
            "CREATE INDEX measurements_by_label ON measurements (label, started_at)",
        ),
    ],
    salvage=("measurements",),
)
_COLUMNS = "id, started_at, label, command, exit_code, result"


class StoreError(StartupError):
    """The database of measurements cannot be used; the message names the file, the cause and the remedy."""


@dataclass(frozen=True)
class KeptMeasurement:
    """A measurement as it was kept: `result` is what `Measurement.to_dict` gave; `started_at` in seconds since 1970."""

    id: int
    started_at: float
    label: str
    command: str | None
    exit_code: int | None
    result: dict[str, Any]

    def figure(self, name: str) -> float | None:
        """A number of the result, None where it is not known."""
        value = self.result.get(name)
        return float(value) if isinstance(value, int | float) else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data, fit for JSON; what is not known is not in it."""
        own = {"id": self.id, "command": self.command, "exit_code": self.exit_code}
        return {**{key: value for key, value in own.items() if value is not None}, **self.result}


def default_path() -> Path:
    """In the user's folder of our data."""
    return data_home() / "measurements.db"


class MeasurementStore:
    """The measurements of one file, which is made where there is none. For one thread.

    A measurement is durable when `add` returns. A corrupt file is renamed (see `set_aside`), and whatever can still be
    read is copied to a new one. Raises `StoreError` if the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path.resolve(), SCHEMA, busy_seconds=BUSY_SECONDS)
        with _explained():
            self._database.open()

    @property
    def set_aside(self) -> Path | None:
        """The new name of a corrupt file; None if it was intact."""
        return self._database.set_aside

    def add(self, measurement: Measurement, *, command: str | None = None, exit_code: int | None = None) -> None:
        """Keep one; raises `StoreError`, and then nothing of it is kept."""
        result = measurement.to_dict()
        row = (
            measurement.started_at,
            measurement.label,
            command,
            exit_code,
            measurement.method,
            measurement.energy_joules,
            measurement.duration_seconds,
            json.dumps(result, ensure_ascii=False),
        )
        names = "started_at, label, command, exit_code, method, energy_joules, duration_seconds, result"
        with _explained(), self._database.transaction() as connection:
            connection.execute(f"INSERT INTO measurements ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608

    def measurements(self, label: str | None = None, last: int | None = None) -> list[KeptMeasurement]:
        """All or those with a label, the oldest first; of them the `last` ones. Raises `StoreError`."""
        query = f"SELECT {_COLUMNS} FROM measurements WHERE ?1 IS NULL OR label = ?1 ORDER BY id DESC LIMIT ?2"  # noqa: S608
        with _explained():
            rows = self._database.rows(query, (label, -1 if last is None else last))
        return [kept for row in reversed(rows) if (kept := self._kept(*row))]

    def _kept(
        self, number: int, started_at: float, label: str, command: str | None, exit_code: int | None, result: str
    ) -> KeptMeasurement | None:
        """None if the stored result is damaged: it must not affect the other measurements."""
        try:
            return KeptMeasurement(number, started_at, label, command, exit_code, parse_document(result))
        except ValueError as error:
            log.error("%s: measurement %d cannot be read and is skipped: %s", self.path, number, describe(error))  # noqa: TRY400 - no traceback
            return None

    def close(self) -> None:
        """Let go of the file; legal any number of times."""
        self._database.close()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        raise StoreError(f"measurements cannot be kept: {explain(error)}, or name another file with --db") from error
