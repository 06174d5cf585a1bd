"""The table: made if it is missing, written in transactions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from collector_core import NotAvailable, RecordsRefused
from collector_core.storage import PostgresSession, explain_postgres, is_refused_row, quote_postgres_name
from collector_plugins.postgresql.config import Config

if TYPE_CHECKING:
    from psycopg import Connection

Block = tuple[float, list[tuple[str, str]], list[float]]  # seconds since 1970; names and labels; values
Row = tuple[float, str, str, float]
MOST_TRIES = 300  # to find out which rows a table refuses; from then on the others around them go with them
PATIENCE = 0.5  # of the timeout, for the same; a batch that outlasts the timeout is cut off, and would never be done
UNDEFINED_TABLE = "42P01"


@dataclass
class Refused:
    """The rows of a batch that the table, or an index on it, will never take, with the reason of the last.

    They are looked for one by one until `ends` (monotonic seconds).
    """

    ends: float
    count: int = 0
    words: str = ""
    tries: int = 0

    @property
    def is_search_over(self) -> bool:
        """Whether no more tries may be spent on telling rows apart."""
        return self.tries > MOST_TRIES or time.monotonic() >= self.ends


class Table:
    """One table. Each call ends within about `timeout` seconds, whatever the server does; for one thread at a time.

    Needs the right to INSERT, and to CREATE where the table is missing. Methods raise `NotAvailable`.
    """

    def __init__(self, config: Config, timeout: float) -> None:
        self._session = PostgresSession(config.url, timeout, extra="postgresql")
        self._timeout = timeout
        self._config = config
        table = ".".join(map(quote_postgres_name, config.table.split(".", 1)))
        self._create = (
            f"CREATE TABLE IF NOT EXISTS {table} (time timestamptz NOT NULL, name text NOT NULL,"
            " labels jsonb NOT NULL, value double precision NOT NULL, PRIMARY KEY (name, labels, time))",
            f"CREATE INDEX IF NOT EXISTS {quote_postgres_name(_index_of(config.table))} ON {table} (time)",
        )
        self._check = f"INSERT INTO {table} (time, name, labels, value) SELECT now(), '', '{{}}', 0 WHERE false"
        self._insert = (
            f"INSERT INTO {table.replace('%', '%%')} (time, name, labels, value)"  # noqa: S608 - quoted
            " SELECT to_timestamp(t), n, l::jsonb, v"
            " FROM unnest(%s::float8[], %s::text[], %s::text[], %s::float8[]) AS row (t, n, l, v)"
            " ON CONFLICT DO NOTHING"
        )

    def check(self) -> None:
        """Connect, and find out whether rows may be written."""
        with self._explained():
            self._creating(lambda connection: connection.execute(self._check))

    def write(self, blocks: Sequence[Block]) -> None:
        """Add rows; those that are there stay. Raises `RecordsRefused` for those that the table will never take."""
        rows = [
            (round(ended_at, 3), name, labels, value)
            for ended_at, series, values in blocks
            for (name, labels), value in zip(series, values, strict=True)
        ]
        refused = Refused(ends=time.monotonic() + PATIENCE * self._timeout)
        with self._explained():
            self._write(rows, refused)
        if refused.count:
            raise RecordsRefused(refused.count, f"{self._session.address}: {refused.words}")

    def _write(self, rows: Sequence[Row], refused: Refused) -> None:
        """Add rows at once or, where one is refused, by halves; each half in a transaction of its own."""
        from psycopg import errors  # noqa: PLC0415 - large, and needed only where rows are written

        columns = [list(column) for column in zip(*rows, strict=True)]
        try:
            self._creating(lambda connection: connection.execute(self._insert, columns))
        except (errors.DataError, errors.IntegrityError, errors.ProgramLimitExceeded) as error:
            if not is_refused_row(error):
                raise
            refused.tries += 1
            if len(rows) == 1 or refused.is_search_over:
                refused.count += len(rows)
                refused.words = self._session.text(error)
                return
            half = len(rows) // 2
            self._write(rows[:half], refused)
            self._write(rows[half:], refused)

    def cut(self) -> None:
        """Let a call under way fail; from any thread."""
        self._session.cut()

    def close(self) -> None:
        """Disconnect; may be called any number of times."""
        self._session.close()

    def _creating(self, work: Any) -> None:
        """Do it in a transaction, and again once the table has been created if it was missing and may be."""
        from psycopg import errors  # noqa: PLC0415 - large, and needed only where rows are written

        try:
            self._run(work)
        except errors.UndefinedTable:
            if not self._config.create:
                raise
            self._run(self._make_table)
            self._run(work)

    def _run(self, work: Any) -> None:
        with self._session.transaction() as connection:
            work(connection)

    def _make_table(self, connection: Connection[Any]) -> None:
        for statement in self._create:
            connection.execute(statement)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn psycopg's errors into ours."""
        self._session.require_driver()
        import psycopg  # noqa: PLC0415

        try:
            yield
        except psycopg.Error as error:
            raise self._explanation(error) from None

    def _explanation(self, error: Any) -> Exception:
        said = f"{self._session.address}: {self._session.text(error)}"
        reason, fix = explain_postgres(error)
        return NotAvailable(reason, said, fix=fix.format(rights=f"INSERT ON {self._config.table}"))


def _index_of(table: str) -> str:
    return f"{table.rpartition('.')[2][:50]}_time"
