"""A queue on disk: what waits to be delivered survives a restart, up to a number of bytes."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, takewhile
from pathlib import Path
from typing import NamedTuple

from collector_core.storage.errors import StorageError
from collector_core.storage.schema import Schema
from collector_core.storage.sqlite import Database

OVERHEAD = 64  # bytes that an entry takes on disk beside its body
VACUUM_BYTES = 1 << 20  # an empty file that is larger is shrunk
BUSY_SECONDS = 1.0

_SCHEMA = Schema(
    migrations=[
        [
            "CREATE TABLE entry (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL,"
            " records INTEGER NOT NULL, body BLOB NOT NULL)"
        ]
    ],
    salvage=["entry"],
)


class Entry(NamedTuple):
    """What was appended at once, at `at` (seconds since 1970): `records` of them in one `body`."""

    id: int
    at: float
    records: int
    body: bytes

    @property
    def size(self) -> int:
        """Bytes that it takes in the queue."""
        return len(self.body) + OVERHEAD

    @property
    def content(self) -> bytes:
        """The body as it was appended; raises `ValueError` if it is damaged."""
        try:
            return zlib.decompress(self.body)
        except zlib.error as error:
            raise ValueError(str(error)) from error


class DiskQueue:
    """Entries in the order in which they were appended, in one file that belongs to this process alone.

    An entry is on disk when `append` returns, a power failure included. `bytes` is what all entries take, `records` how
    many they hold, `oldest_at` when the oldest was appended, None if there is none, and `last_id` belongs to the newest.
    Methods raise `StorageError`, and may be called again: they succeed once the cause is gone. Not thread-safe.
    """

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._database = Database(path, _SCHEMA, wal=False, exclusive=True, busy_seconds=BUSY_SECONDS)
        self._max_bytes = max_bytes
        self._is_open = False
        self.bytes = 0
        self.records = 0
        self.oldest_at: float | None = None
        self.last_id = 0

    @property
    def set_aside(self) -> Path | None:
        """Where a corrupt file was moved to, if one was found."""
        return self._database.set_aside

    def open(self) -> None:
        """Open the file unless it is open; the other methods do so implicitly."""
        if self._is_open:
            return
        totals = f"SELECT total(length(body) + {OVERHEAD}), total(records), ifnull(max(id), 0) FROM entry"  # noqa: S608
        ((size, records, last_id),) = self._database.rows(totals)
        self.bytes, self.records, self.last_id = int(size), int(records), last_id
        self._find_oldest()
        self._is_open = True

    def close(self) -> None:
        """Let go of the file; may be called any number of times."""
        self._is_open = False
        self._database.close()

    def append(self, entries: Sequence[tuple[float, int, bytes]]) -> list[Entry]:
        """Take entries (time, records, body); returns the oldest ones, new or not, for which there was no room."""
        new = [Entry(0, at, records, zlib.compress(body, 1)) for at, records, body in entries]
        sizes = accumulate(entry.size for entry in reversed(new))
        fitting = len(list(takewhile(lambda size: size <= self._max_bytes, sizes)))
        refused, kept = new[: len(new) - fitting], new[len(new) - fitting :]
        with self._changing() as connection:
            lost = self._oldest_beyond(connection, self._max_bytes - sum(entry.size for entry in kept))
            self._delete(connection, lost)
            for entry in kept:
                values = (entry.at, entry.records, entry.body)
                self.last_id = (
                    connection.execute("INSERT INTO entry (at, records, body) VALUES (?, ?, ?)", values).lastrowid or 0
                )
                self._count(entry, 1)
        return lost + refused

    def head(self, records: int, *, through: int | None = None) -> list[Entry]:
        """The oldest entries: as few as hold `records`, at least one; or all those up to the id `through`."""
        self.open()
        found: list[Entry] = []
        query = "SELECT id, at, records, body FROM entry WHERE id > ? AND id <= ? ORDER BY id LIMIT 1"
        last = self.last_id if through is None else through
        while through is not None or sum(entry.records for entry in found) < records:
            rows = self._rows(query, (found[-1].id if found else -1, last))
            if not rows:
                break
            found.append(Entry(*rows[0]))
        return found

    def remove(self, entries: Sequence[Entry]) -> None:
        """Forget the oldest entries, as `head` returned them; those that are gone already are no error."""
        with self._changing() as connection:
            self._delete(connection, [each for each in entries if self._is_there(connection, each)])
        if not self.records:
            self._shrink_file()

    def remove_older(self, than: float) -> list[Entry]:
        """Forget the entries at the head that were appended before `than`; returns them."""
        self.open()
        if self.oldest_at is None or self.oldest_at >= than:
            return []
        with self._changing() as connection:
            lost = list(takewhile(lambda entry: entry.at < than, self._walk(connection)))
            self._delete(connection, lost)
        return lost

    def _oldest_beyond(self, connection: sqlite3.Connection, limit: int) -> list[Entry]:
        """The oldest entries that must go so that the others take at most `limit` bytes."""
        lost: list[Entry] = []
        excess = self.bytes - limit
        if excess > 0:
            for entry in self._walk(connection):
                lost.append(entry)
                excess -= entry.size
                if excess <= 0:
                    break
        return lost

    def _walk(self, connection: sqlite3.Connection) -> Iterator[Entry]:
        rows = connection.execute("SELECT id, at, records, body FROM entry ORDER BY id")
        return (Entry(*row) for row in rows)

    def _is_there(self, connection: sqlite3.Connection, entry: Entry) -> bool:
        return connection.execute("SELECT 1 FROM entry WHERE id = ?", (entry.id,)).fetchone() is not None

    def _delete(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
        connection.executemany("DELETE FROM entry WHERE id = ?", [(entry.id,) for entry in entries])
        for entry in entries:
            self._count(entry, -1)

    def _count(self, entry: Entry, sign: int) -> None:
        self.bytes += sign * entry.size
        self.records += sign * entry.records

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction; after one that failed everything is counted anew."""
        self.open()
        try:
            with self._database.transaction() as connection:
                yield connection
            self._find_oldest()
        except BaseException:
            self._is_open = False
            raise

    def _rows(self, query: str, parameters: Sequence[object]) -> list[tuple[int, float, int, bytes]]:
        try:
            return self._database.rows(query, parameters)  # type: ignore[return-value]
        except StorageError:
            self._is_open = False
            raise

    def _find_oldest(self) -> None:
        rows = self._database.rows("SELECT at FROM entry ORDER BY id LIMIT 1")
        self.oldest_at = rows[0][0] if rows else None

    def _shrink_file(self) -> None:
        """Give the space of an empty queue back to the file system."""
        if self._database.path.stat().st_size > VACUUM_BYTES:
            self._database.rows("VACUUM")
