"""Measurements that are kept, in one SQLite file."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from collector_core.errors import StartupError, describe, explain
from collector_core.measure.bias import learn_biases
from collector_core.measure.kept import KeptMeasurement
from collector_core.measure.measurement import Measurement
from collector_core.measure.operation_model import OperationModel, operation_model
from collector_core.measure.operations import by_operation, statistics
from collector_core.measure.report import report
from collector_core.storage.document import parse_document
from collector_core.storage.errors import StorageError
from collector_core.storage.foreign_file import is_foreign
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
_INSERTED = "started_at, label, command, exit_code, method, energy_joules, duration_seconds, result"


class StoreError(StartupError):
    """The database of measurements cannot be used; the message names the file, the cause and the remedy."""


def default_path() -> Path:
    """In the user's folder of our data."""
    return data_home() / "measurements.db"


class NotAStoreError(StoreError):
    """A file that should be merged is no database of measurements; the message names it."""


def measurements_between(start: float, end: float) -> list[KeptMeasurement]:
    """Those of the user's own file that began from `start` to before `end` (seconds since 1970), the oldest first.

    Raises `StoreError` where the file cannot be read; none is made where there is none.
    """
    if not default_path().exists():
        return []
    with closing(MeasurementStore(default_path())) as store:
        return [each for each in store.measurements() if start <= each.started_at < end]


class MeasurementStore:
    """The measurements of one file, which is made where there is none. For one thread.

    A measurement is durable when `add` returns. A corrupt file is renamed (see `set_aside`), and whatever can still be
    read is copied to a new one. Raises `StoreError` if the file cannot be used, and for a file of something else, which
    is left as it is.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if self.path != default_path() and is_foreign(self.path, SCHEMA):
            raise StoreError(
                f"{path} is no database of measurements, and is left as it is; name another file with --db"
            )
        self._database = Database(self.path.resolve(), SCHEMA, busy_seconds=BUSY_SECONDS)
        with _explained():
            self._database.open()

    @property
    def set_aside(self) -> Path | None:
        """The new name of a corrupt file; None if it was intact."""
        return self._database.set_aside

    def add(self, measurement: Measurement, *, command: str | None = None, exit_code: int | None = None) -> None:
        """Keep one; raises `StoreError`, and then nothing of it is kept."""
        result = measurement.to_dict()
        row = _row(KeptMeasurement(0, measurement.started_at, measurement.label, command, exit_code, result))
        with _explained(), self._database.transaction() as connection:
            connection.execute(f"INSERT INTO measurements ({_INSERTED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608

    def measurements(self, label: str | None = None, last: int | None = None) -> list[KeptMeasurement]:
        """All or those with a label, the oldest first; of them the `last` ones. Raises `StoreError`."""
        with _explained():
            return _read(self._database, label, last)

    def statistics(self, label: str | None = None) -> list[dict[str, Any]]:
        """What measurements say together, by label, host, method and scope: only what measures the same is averaged.

        Each has `label, host, method, scope` (the components), `count`, and `metrics`: count, mean, minimum, maximum
        and, of two or more, deviation of `energy_joules`, `duration_seconds`, `cpu_seconds`, `cpu_percent`,
        `memory_bytes`, `network_bytes` and `disk_bytes`; what is not known is not in it. Raises `StoreError`.
        """
        return statistics(by_operation(self.measurements(label)))

    def report(self, label: str | None = None) -> dict[str, Any]:
        """`operations` as `statistics` has them, with `quoted` for the one of a label to quote, and `suggestions`.

        `biases` are those of `biases`; an operation whose method has one for all its components has `corrected`: the
        `energy_joules` that the more trusted `reference` would have said on average, as of `last_at`. Raises
        `StoreError`.
        """
        return report(self.measurements(label))

    def biases(self) -> list[dict[str, Any]]:
        """How far the methods of each host are off the more trusted ones that were read beside them.

        Each has `host, component, method, reference, ratio` (joules by the method ÷ those by the reference),
        `deviation` of the ratios where there are two, `count`, and the dates `first_at` and `last_at` in seconds since
        1970. Raises `StoreError`.
        """
        return [bias.to_dict() for bias in learn_biases(self.measurements())]

    def operation_model(self, label: str, work: Sequence[str]) -> OperationModel:
        """What this operation costs by the work it does, such as `("gas", "bytes")`: predicts before it is done.

        Learnt from the label's measurements that know their energy and this `work`, taken in the way that `report`
        quotes. Raises `ValueError` where they do not suffice, saying what is missing, and `StoreError`.
        """
        return operation_model(self.measurements(label), label, work)

    def merge(self, path: Path) -> int:
        """Add the measurements of another file that are not here yet, and return their number.

        The other file stays as it is; merging it again adds none. Raises `NotAStoreError` where it cannot be read as a
        store, and `StoreError`.
        """
        others = [_row(each) for each in _measurements_of(path)]
        known = "SELECT 1 FROM measurements WHERE started_at = ?1 AND label = ?2 AND result = ?8"
        values = "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8"
        insert = f"INSERT INTO measurements ({_INSERTED}) SELECT {values} WHERE NOT EXISTS ({known})"
        with _explained(), self._database.transaction() as connection:
            return sum(connection.execute(insert, row).rowcount for row in others)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, as at the end of a `with` block; legal any number of times."""
        self._database.close()


def _row(kept: KeptMeasurement) -> tuple[Any, ...]:
    """What is inserted."""
    result = kept.result
    measured = (str(result.get("method", "")), kept.figure("energy_joules"), kept.figure("duration_seconds") or 0.0)
    text = json.dumps(result, ensure_ascii=False)
    return kept.started_at, kept.label, kept.command, kept.exit_code, *measured, text


def _read(database: Database, label: str | None = None, last: int | None = None) -> list[KeptMeasurement]:
    order = "started_at DESC, id DESC"  # those of another machine may have been merged later
    query = f"SELECT {_COLUMNS} FROM measurements WHERE ?1 IS NULL OR label = ?1 ORDER BY {order} LIMIT ?2"  # noqa: S608
    rows = database.rows(query, (label, -1 if last is None else last))
    return [kept for row in reversed(rows) if (kept := _kept(database.path, *row))]


def _kept(
    path: Path, number: int, started_at: float, label: str, command: str | None, exit_code: int | None, result: str
) -> KeptMeasurement | None:
    """None if the stored result is damaged: it must not affect the other measurements."""
    try:
        return KeptMeasurement(number, started_at, label, command, exit_code, parse_document(result))
    except ValueError as error:
        log.error("%s: measurement %d cannot be read and is skipped: %s", path, number, describe(error))  # noqa: TRY400 - no traceback
        return None


def _measurements_of(path: Path) -> list[KeptMeasurement]:
    """All of another store; raises `NotAStoreError`."""
    database = Database(path.resolve(), SCHEMA, read_only=True, busy_seconds=BUSY_SECONDS)
    try:
        return _read(database)
    except StorageError as error:
        raise NotAStoreError(f"{path} cannot be read as measurements: {error.detail}") from error
    finally:
        database.close()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        raise StoreError(f"measurements cannot be kept: {explain(error)}, or name another file with --db") from error
