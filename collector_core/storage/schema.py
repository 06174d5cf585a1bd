"""The tables of a database: how older files become the present ones, and what is saved from a broken one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector_core.storage.connection import connect_to_look, transaction


@dataclass(frozen=True)
class Schema:
    """What a database holds.

    Each of `migrations` makes its version out of the one before, in SQL statements; what was released is never changed.
    Of a broken file, rows of the tables in `salvage`, each of which has a primary key, are taken over where they can be
    read. `check` raises `ValueError` where what the tables hold cannot be used; the file then counts as broken.
    """

    migrations: Sequence[Sequence[str]]
    salvage: Sequence[str] = ()
    check: Callable[[sqlite3.Connection], None] | None = None

    @property
    def version(self) -> int:
        """The version that the last migration makes."""
        return len(self.migrations)


def migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    """Bring a database up to date, each step in a transaction of its own."""
    while stored_version(connection) < schema.version:
        with transaction(connection):
            version = stored_version(connection)
            for statements in schema.migrations[version : version + 1]:  # none where another process was quicker
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")


def salvage(broken: Path, connection: sqlite3.Connection, schema: Schema) -> None:
    """Take over what can be read of each table of a broken file; of one that the schema's `check` refuses, nothing."""
    with closing(connect_to_look(broken)) as old:
        old.execute("PRAGMA writable_schema = ON")  # or SQLite reads nothing of a file that was cut off
        for table in schema.salvage:
            with suppress(ValueError), transaction(connection):
                _copy_rows(old, connection, table)
                if schema.check:
                    schema.check(connection)


def stored_version(connection: sqlite3.Connection) -> int:
    """The version of a file's schema; 0 where it has none."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _copy_rows(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
    """The rows that can be read, in the columns that both have."""
    columns = sorted(_columns(old, table) & _columns(new, table))
    places = ", ".join("?" * len(columns))
    for row in _readable_rows(old, table, columns):
        with suppress(sqlite3.IntegrityError):  # one row that is nonsense costs no other
            new.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({places})", row)  # noqa: S608


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    with suppress(sqlite3.Error):
        return {name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
    return set()


def _readable_rows(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """From both ends up to where it is broken."""
    for order in ("ASC", "DESC"):
        with suppress(sqlite3.Error):
            yield from connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY rowid {order}")  # noqa: S608
            return
