"""Connections to SQLite files, transactions, and what its errors mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from collector_core.storage.errors import StorageReason

_REASONS = {
    sqlite3.SQLITE_FULL: StorageReason.DISK_FULL,
    sqlite3.SQLITE_READONLY: StorageReason.READ_ONLY,
    sqlite3.SQLITE_PERM: StorageReason.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: StorageReason.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: StorageReason.CORRUPT,
    sqlite3.SQLITE_NOTADB: StorageReason.CORRUPT,
    sqlite3.SQLITE_BUSY: StorageReason.LOCKED,
    sqlite3.SQLITE_LOCKED: StorageReason.LOCKED,
    sqlite3.SQLITE_PROTOCOL: StorageReason.LOCKED,
}
_FULL = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})  # quotas and limits end up in these


def connect(path: Path, *, read_only: bool = False, busy_seconds: float = 0.0) -> sqlite3.Connection:
    """A connection that begins no transaction by itself; one to read changes nothing, not even by closing it."""
    name = f"{path.absolute().as_uri()}?mode=ro" if read_only else str(path)
    return sqlite3.connect(name, timeout=busy_seconds, isolation_level=None, uri=read_only)


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """The connection, closed where a block with it fails."""
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of a block or nothing; when it has ended, what it wrote is there for others."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # after some errors SQLite has done it already
            connection.execute("ROLLBACK")
        raise


def sqlite_reason(error: sqlite3.Error) -> StorageReason:
    """What an error means for the file."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return StorageReason.DISK_FULL if code in _FULL else _REASONS.get(code & 0xFF, StorageReason.FAILED)
