"""Database schemas: migrations, and what to salvage from a corrupt file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collector_core.storage.connection import IN_MEMORY, connect, connect_to_look, transaction


@dataclass(frozen=True)
class Schema:
    """The schema of a database.

    Each of `migrations` is a list of SQL statements that brings the database from the previous version to the next; a
    released migration is never changed. `salvage` names the tables, each with a primary key, whose readable rows are
    copied from a corrupt file. `check` raises `ValueError` if the stored data is unusable; the file then counts as
    corrupt.
    """

    migrations: Sequence[Sequence[str]]
    salvage: Sequence[str] = ()
    check: Callable[[sqlite3.Connection], None] | None = None

    @property
    def version(self) -> int:
        """The version after the last migration."""
        return len(self.migrations)


def migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    """Apply the missing migrations, each in its own transaction."""
    while stored_version(connection) < schema.version:
        with transaction(connection):
            version = stored_version(connection)
            for statements in schema.migrations[version : version + 1]:  # none if another process was faster
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")


def missing_from(connection: sqlite3.Connection, schema: Schema) -> list[str]:
    """The tables and columns (`TABLE.COLUMN`) that the database's version of the schema has and the database lacks."""
    known = replace(schema, migrations=schema.migrations[: stored_version(connection)])
    with closing(connect(IN_MEMORY)) as whole:
        migrate(whole, known)
        tables = [name for (name,) in whole.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [missing for table in tables for missing in _missing_columns(table, connection, whole)]


def _missing_columns(table: str, connection: sqlite3.Connection, whole: sqlite3.Connection) -> list[str]:
    found = _columns(connection, table)
    return [f"{table}.{column}" for column in sorted(_columns(whole, table) - found)] if found else [table]


def salvage(broken: Path, connection: sqlite3.Connection, schema: Schema) -> None:
    """Copy the readable rows of a corrupt file, table by table; a table that fails the schema's `check` is left out."""
    with closing(connect_to_look(broken)) as old:
        old.execute("PRAGMA writable_schema = ON")  # otherwise SQLite refuses to read a truncated file
        for table in schema.salvage:
            with suppress(ValueError), transaction(connection):
                _copy_rows(old, connection, table)
                if schema.check:
                    schema.check(connection)


def stored_version(connection: sqlite3.Connection) -> int:
    """The schema version stored in a file; 0 for a new one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _copy_rows(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
    """Copy the readable rows, in the columns that exist in both."""
    columns = sorted(_columns(old, table) & _columns(new, table))
    places = ", ".join("?" * len(columns))
    for row in _readable_rows(old, table, columns):
        with suppress(sqlite3.IntegrityError):  # an invalid row must not affect the others
            new.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({places})", row)  # noqa: S608


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    with suppress(sqlite3.Error):
        return {name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
    return set()


def _readable_rows(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield rows from both ends up to the damage."""
    key = _stored_by(connection, table)
    for order in ("ASC", "DESC"):
        ordering = ", ".join(f"{column} {order}" for column in key)
        with suppress(sqlite3.Error):
            yield from connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {ordering}")  # noqa: S608
            return


def _stored_by(connection: sqlite3.Connection, table: str) -> list[str]:
    """What the rows of a table lie in the order of: the primary key where they have no rowid."""
    query = "SELECT name FROM pragma_table_info(?1) WHERE pk AND (SELECT wr FROM pragma_table_list(?1)) ORDER BY pk"
    with suppress(sqlite3.Error):
        return [name for (name,) in connection.execute(query, (table,))] or ["rowid"]
    return ["rowid"]
