"""Measurements that are kept, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collector_core.errors import StartupError
from collector_core.measure.measurement import Measurement
from collector_core.measure.schema import migrate
from collector_core.storage.user_folders import data_home

BUSY_SECONDS = 10.0  # to wait for another process that writes
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
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

    A measurement that was added is on the disk when `add` returns. A file that is broken is set aside under a new name,
    which is `set_aside` then. Raises `StoreError` where the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set_aside: Path | None = None
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(0o600)  # command lines are nobody else's business
            self._connection = self._open()

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
        with self._explained():
            self._connection.execute(f"INSERT INTO measurements ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608

    def measurements(self, label: str | None = None, last: int | None = None) -> list[KeptMeasurement]:
        """All or those with a label, the oldest first; of them the `last` ones. Raises `StoreError`."""
        query = f"SELECT {_COLUMNS} FROM measurements WHERE ?1 IS NULL OR label = ?1 ORDER BY id DESC LIMIT ?2"  # noqa: S608
        with self._explained():
            rows = self._connection.execute(query, (label, -1 if last is None else last)).fetchall()
        return [_kept(*row) for row in reversed(rows)]

    def close(self) -> None:
        """Let go of the file; legal any number of times."""
        self._connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BROKEN:
                raise
            self.set_aside = _set_aside(self.path)
            self.path.touch(0o600)
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _check(connection)
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except StartupError as error:
            raise StoreError(f"{self.path}: {error}") from error
        except (sqlite3.Error, OSError) as error:
            fix = "fix: name a file that can be written with --db"
            raise StoreError(f"{self.path}: measurements cannot be kept there: {error}; {fix}") from error


def _kept(
    number: int, started_at: float, label: str, command: str | None, exit_code: int | None, result: str
) -> KeptMeasurement:
    return KeptMeasurement(number, started_at, label, command, exit_code, json.loads(result))


def _check(connection: sqlite3.Connection) -> None:
    """Raises `sqlite3.DatabaseError` where the file is damaged."""
    (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        error = sqlite3.DatabaseError(state)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _set_aside(path: Path) -> Path:
    """Rename a broken file, and its log with it, to a name that is free."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.corrupt-{now}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{now}-{number}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    return aside
