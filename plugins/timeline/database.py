"""The table in PostgreSQL: connected late, written in transactions, each row once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from collector_core import RecordsRefused
from collector_core.storage import PostgresSession, is_refused_row
from collector_plugins.timeline.config import Config
from collector_plugins.timeline.failures import Failures
from collector_plugins.timeline.rows import Record
from collector_plugins.timeline.statements import LOCK, Statements

if TYPE_CHECKING:
    from psycopg import Connection

ROUNDING = 1.0  # seconds by which a column may round the time of a row


class Database:
    """One table. Each call ends within about `timeout` seconds, whatever the server does; for one thread at a time.

    Needs the rights to SELECT and INSERT, and nothing else. Transactions take an advisory lock: when a batch is sent
    again, the transaction whose answer was lost has ended before the rows are looked for.
    """

    def __init__(self, config: Config, timeout: float) -> None:
        self._session = PostgresSession(config.url, timeout, extra="timeline")
        self._create = config.create
        self._sql = Statements(config)
        self._failures = Failures(config.table, self._session)
        self._lock = int.from_bytes(hashlib.sha256(config.table.encode()).digest()[:8], signed=True)
        self._inserts = False  # row-level security forbids COPY

    def check(self) -> None:
        """Connect, and find out whether rows may be written."""
        with self._failures.explained():
            self._creating(self._check)

    def write(self, records: Sequence[Record], *, may_repeat: bool) -> None:
        """Add rows; raises `RecordsRefused` for those that the table will never take."""
        with self._failures.explained():
            refusals = self._creating(lambda: self._write(records, may_repeat))
        if refusals:
            raise RecordsRefused(len(refusals), f"{self._session.address}: {refusals[0]}")

    def close(self) -> None:
        """Disconnect; may be called any number of times."""
        self._session.close()

    def _check(self) -> None:
        with self._transaction() as connection:
            connection.execute(self._sql.check)

    def _write(self, records: Sequence[Record], may_repeat: bool) -> list[str]:
        """Add rows at once or, where one is refused, by halves; returns why rows are refused."""
        from psycopg import errors  # noqa: PLC0415 - large, and needed only where rows are written

        try:
            with self._transaction() as connection:
                self._add(connection, self._missing(connection, records) if may_repeat else records)
        except errors.FeatureNotSupported:
            if self._inserts:
                raise
            self._inserts = True
            return self._write(records, may_repeat)
        except (errors.DataError, errors.IntegrityError, errors.ProgramLimitExceeded) as error:
            if not is_refused_row(error):
                raise
            if len(records) == 1:
                return [f"{records[0].event_type} of {records[0].source}: {self._session.text(error)}"]
            half = len(records) // 2
            return [*self._write(records[:half], may_repeat), *self._write(records[half:], may_repeat)]
        return []

    def _missing(self, connection: Connection[Any], records: Sequence[Record]) -> Sequence[Record]:
        """The rows that are not in the table yet."""
        times = [record.created_at for record in records]
        between = (_time(min(times) - ROUNDING), _time(max(times) + ROUNDING))
        found = connection.execute(self._sql.known, (*between, [record.key for record in records]))
        known = {key for (key,) in found}
        return [record for record in records if record.key not in known]

    def _add(self, connection: Connection[Any], records: Sequence[Record]) -> None:
        with connection.cursor() as cursor:
            if self._inserts:
                cursor.executemany(self._sql.insert, map(_values, records))
                return
            with cursor.copy(self._sql.copy) as copy:
                for record in records:
                    copy.write_row(_values(record))

    def _creating(self, work: Any) -> Any:
        """Do it, and again once the table has been created if it was missing and may be."""
        from psycopg import errors  # noqa: PLC0415

        try:
            return work()
        except errors.UndefinedTable:
            if not self._create:
                raise
        with self._transaction() as connection:
            for statement in self._sql.create:
                connection.execute(statement)
        return work()

    @contextmanager
    def _transaction(self) -> Iterator[Connection[Any]]:
        """A transaction that waits for those before it, and commits at the end."""
        with self._session.transaction() as connection:
            connection.execute(LOCK, (self._lock,))
            yield connection


def _values(record: Record) -> tuple[str, str, float | int, str, datetime]:
    """The row, in the order of the columns; whole numbers fit into a column of integers, too."""
    value = int(record.value) if record.value.is_integer() else record.value
    return record.event_type, record.source, value, record.metadata, _time(record.created_at)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
