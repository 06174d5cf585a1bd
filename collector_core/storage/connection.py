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
_FULL = frozenset(  # what SQLite makes of a quota, a limit, and no room for what it shares between processes
    {sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMOPEN}
)


BESIDE = ("-wal", "-journal", "-shm")
"""What SQLite keeps beside a file, by the ends of their names; what the first two hold is part of it."""


IN_MEMORY = Path(":memory:")


def connect(path: Path, *, busy_seconds: float = 0.0) -> sqlite3.Connection:
    """A connection to a file that is there, or to memory; it begins no transaction by itself."""
    return _connect(":memory:" if path == IN_MEMORY else _uri(path, "mode=rw"), busy_seconds)


def connect_to_read(path: Path, *, busy_seconds: float = 0.0) -> sqlite3.Connection:
    """A connection that changes nothing in the file, while others may write it."""
    return _connect(_uri(path, "mode=ro"), busy_seconds)


def connect_to_look(path: Path) -> sqlite3.Connection:
    """A connection to a file that nobody writes meanwhile; nothing is left beside one that was closed well."""
    is_whole = not any(path.with_name(path.name + suffix).exists() for suffix in BESIDE)
    return _connect(_uri(path, "mode=ro&immutable=1" if is_whole else "mode=ro"), 0.0)


def _uri(path: Path, parameters: str) -> str:
    return f"{path.absolute().as_uri()}?{parameters}"


def _connect(name: str, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=busy_seconds, isolation_level=None, uri=True)
    connection.text_factory = _decode
    return connection


def _decode(text: bytes) -> str:
    """A letter that the disk has changed costs itself, not every query that meets it."""
    return text.decode(errors="replace")


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
