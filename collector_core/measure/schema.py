"""The tables of the database of measurements, and how older ones become the present ones."""

from __future__ import annotations

import sqlite3

from collector_core.errors import StartupError

# Each makes its version out of the one before, in SQL statements. What was released is never changed.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
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
)


class NewerSchemaError(StartupError):
    """A newer energy-collector has written the database."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database up to date in one transaction; raises `NewerSchemaError` and leaves such a one alone."""
    if _version(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)  # somebody else may have been quicker
        _refuse_newer(version, len(MIGRATIONS))
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _refuse_newer(version: int, known: int) -> None:
    if version > known:
        raise NewerSchemaError(
            f"the database has schema {version}, this energy-collector knows {known}; "
            "fix: pip install --upgrade energy-collector, or name another file with --db"
        )


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
