"""A queue on disk: what waits to be delivered survives a restart, up to a number of bytes."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, takewhile
from pathlib import Path
from typing import NamedTuple

from collector_core.storage.schema import Schema
from collector_core.storage.sqlite import Database

OVERHEAD = 64  # bytes that an entry takes on disk beside its body
VACUUM_BYTES = 1 << 20  # an empty file that is larger is shrunk
BUSY_SECONDS = 1.0
_PLAIN = b"\0"  # what a body that is not compressed begins with, before its checksum; zlib's begin otherwise
_PLAIN_HEADER = 5

_SCHEMA = Schema(
    migrations=[
        [
            "CREATE TABLE entry (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL,"
            " records INTEGER NOT NULL, body BLOB NOT NULL)",
            "CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
        ]
    ],
    salvage=["entry", "mark"],
)
_SET_MARK = "INSERT OR REPLACE INTO mark VALUES (?, ?)"
_ENTRIES = "SELECT id, at, records, body FROM entry"
_TOTALS = f"SELECT total(length(body) + {OVERHEAD}), total(records) FROM entry"  # noqa: S608 - a constant


class QueueEntry(NamedTuple):
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
        if self.body[:1] == _PLAIN:
            plain = self.body[_PLAIN_HEADER:]
            if zlib.crc32(plain).to_bytes(4, "big") != self.body[1:_PLAIN_HEADER]:
                raise ValueError("its checksum is wrong")
            return plain
        try:
            return zlib.decompress(self.body)
        except zlib.error as error:
            raise ValueError(str(error)) from error


class DiskQueue:
    """Entries in the order in which they were appended, in one file that belongs to this process alone.

    An entry is on disk when `append` returns, a power failure included. `bytes` is what all entries take, `records` how
    many they hold, `oldest_at` when the oldest was appended (None if there is none), `last_id` the newest entry's id,
    `inherited_id` what that was when the file was first opened. What is `compressed` already is not compressed again.
    Methods raise `StorageError`, and may be called again: they succeed once the cause is gone. Not thread-safe.
    """

    def __init__(self, path: Path, *, max_bytes: int, compressed: bool = False) -> None:
        self._database = Database(path, _SCHEMA, wal=False, exclusive=True, busy_seconds=BUSY_SECONDS)
        self._max_bytes = max_bytes
        self._pack = _packed_plain if compressed else _packed
        self._counted = 0  # which of the database's connections; 0: none
        self.bytes = 0
        self.records = 0
        self.oldest_at: float | None = None
        self.last_id = 0
        self.inherited_id: int | None = None

    @property
    def set_aside(self) -> Path | None:
        """Where a corrupt file was moved to, if one was found."""
        return self._database.set_aside

    def open(self) -> None:
        """Open the file unless it is open; the other methods do so implicitly."""
        self._database.open()
        if self._counted == self._database.connections:
            return
        ((size, records),) = self._database.rows(_TOTALS)
        ((last_id,),) = self._database.rows("SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'entry'")
        self.bytes, self.records, self.last_id = int(size), int(records), last_id
        if self.inherited_id is None:
            self.inherited_id = last_id
        self._find_oldest()
        self._counted = self._database.connections

    def close(self) -> None:
        """Let go of the file; may be called any number of times."""
        self._database.close()

    def append(
        self, entries: Sequence[tuple[float, int, bytes]], marks: Mapping[str, int] | None = None
    ) -> list[QueueEntry]:
        """Take entries (time, records, body); returns the oldest ones, new or not, for which there was no room.

        Entries of the same time stay together: none of them goes without the others. `marks` are set with them.
        """
        new = [QueueEntry(0, at, records, self._pack(body)) for at, records, body in entries]
        sizes = accumulate(entry.size for entry in reversed(new))
        fitting = len(list(takewhile(lambda size: size <= self._max_bytes, sizes)))
        cut = len(new) - fitting
        while 0 < cut < len(new) and new[cut].at == new[cut - 1].at:
            cut += 1
        refused, kept = new[:cut], new[cut:]
        added = sum(entry.size for entry in kept)
        with self._changing() as connection:
            lost = self._oldest_beyond(connection, self._max_bytes - added)
            self._forget(connection, lost)
            values = [(entry.at, entry.records, entry.body) for entry in kept]
            connection.executemany("INSERT INTO entry (at, records, body) VALUES (?, ?, ?)", values)
            connection.executemany(_SET_MARK, (marks or {}).items())
            self.bytes += added
            self.records += sum(entry.records for entry in kept)
            self.last_id += len(kept)
        return lost + refused

    def head(self, records: int, *, after: int = 0, through: int | None = None) -> list[QueueEntry]:
        """The oldest entries with ids above `after` that hold up to `records`, at least one; or all up to `through`."""
        self.open()
        found: list[QueueEntry] = []
        last, room = self.last_id if through is None else through, records
        while through is not None or room > 0:
            query = f"{_ENTRIES} WHERE id > ? AND id <= ? ORDER BY id LIMIT 1"
            rows = self._database.rows(query, (found[-1].id if found else after, last))
            if not rows:
                break
            entry = QueueEntry(*rows[0])
            room -= entry.records
            if through is None and room < 0 and found:
                break
            found.append(entry)
        return found

    def remove_through(self, last_id: int) -> None:
        """Forget the entries up to this id."""
        with self._changing() as connection:
            ((size, records),) = connection.execute(f"{_TOTALS} WHERE id <= ?", (last_id,))
            self._delete(connection, last_id, int(size), int(records))
        if not self.records and self._database.path.stat().st_size > VACUUM_BYTES:
            self._database.rows("VACUUM")

    def remove_older(self, than: float) -> list[QueueEntry]:
        """Forget the entries at the head that were appended before `than`; returns them."""
        self.open()
        if self.oldest_at is None or self.oldest_at >= than:
            return []
        with self._changing() as connection:
            lost = list(takewhile(lambda entry: entry.at < than, _walk(connection)))
            self._forget(connection, lost)
        return lost

    def mark(self, name: str) -> int | None:
        """A number that was kept beside the entries."""
        rows = self._database.rows("SELECT value FROM mark WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def set_mark(self, name: str, value: int) -> None:
        """Keep a number beside the entries."""
        with self._changing() as connection:
            connection.execute(_SET_MARK, (name, value))

    def _oldest_beyond(self, connection: sqlite3.Connection, limit: int) -> list[QueueEntry]:
        """The oldest entries that must go so that the others take at most `limit` bytes."""
        excess = self.bytes - limit
        lost: list[QueueEntry] = []
        for entry in _walk(connection) if excess > 0 else ():
            if excess <= 0 and entry.at != lost[-1].at:
                break
            lost.append(entry)
            excess -= entry.size
        return lost

    def _forget(self, connection: sqlite3.Connection, entries: Sequence[QueueEntry]) -> None:
        """Delete the oldest entries."""
        if entries:
            size, records = sum(entry.size for entry in entries), sum(entry.records for entry in entries)
            self._delete(connection, entries[-1].id, size, records)

    def _delete(self, connection: sqlite3.Connection, last_id: int, size: int, records: int) -> None:
        connection.execute("DELETE FROM entry WHERE id <= ?", (last_id,))
        self.bytes -= size
        self.records -= records

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction; after one that failed everything is counted anew."""
        self.open()
        try:
            with self._database.transaction() as connection:
                yield connection
            self._find_oldest()
        except BaseException:
            self._counted = 0
            raise

    def _find_oldest(self) -> None:
        rows = self._database.rows("SELECT at FROM entry ORDER BY id LIMIT 1")
        self.oldest_at = rows[0][0] if rows else None


def _packed(body: bytes) -> bytes:
    return zlib.compress(body, 1)


def _packed_plain(body: bytes) -> bytes:
    return _PLAIN + zlib.crc32(body).to_bytes(4, "big") + body


def _walk(connection: sqlite3.Connection) -> Iterator[QueueEntry]:
    return (QueueEntry(*row) for row in connection.execute(f"{_ENTRIES} ORDER BY id"))
