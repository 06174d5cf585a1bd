"""SQLite connections, transactions and the classification of errors."""

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
_FULL = frozenset(  # how SQLite reports quotas, size limits, and no space for the shared-memory index
    {sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMOPEN}
)


BESIDE = ("-wal", "-journal", "-shm")
"""Suffixes of SQLite's companion files; the first two hold data of the database."""


IN_MEMORY = Path(":memory:")


def connect(path: Path, *, busy_seconds: float = 0.0) -> sqlite3.Connection:
    """Connect to an existing file, or to memory, without implicit transactions."""
    return _connect(":memory:" if path == IN_MEMORY else _uri(path, "mode=rw"), busy_seconds)


def connect_to_read(path: Path, *, busy_seconds: float = 0.0) -> sqlite3.Connection:
    """Connect read-only to a file that others may be writing."""
    return _connect(_uri(path, "mode=ro"), busy_seconds)


def connect_to_look(path: Path) -> sqlite3.Connection:
    """Connect read-only to a file that nobody writes; creates no companion files if there are none."""
    is_whole = not any(path.with_name(path.name + suffix).exists() for suffix in BESIDE)
    return _connect(_uri(path, "mode=ro&immutable=1" if is_whole else "mode=ro"), 0.0)


def _uri(path: Path, parameters: str) -> str:
    return f"{path.absolute().as_uri()}?{parameters}"


def _connect(name: str, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=busy_seconds, isolation_level=None, uri=True)
    connection.text_factory = _decode
    return connection


def _decode(text: bytes) -> str:
    """Decode text leniently: a flipped bit must not fail every query that reads the row."""
    return text.decode(errors="replace")


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Close the connection if the block raises."""
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a block in a write transaction: commit at the end, roll back if it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # after some errors SQLite has rolled back already
            connection.execute("ROLLBACK")
        raise


def sqlite_reason(error: sqlite3.Error) -> StorageReason:
    """The reason for an error of SQLite."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return StorageReason.DISK_FULL if code in _FULL else _REASONS.get(code & 0xFF, StorageReason.FAILED)
