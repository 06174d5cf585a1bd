"""What waits on our own disk until the database takes it, in order: readings, new sites and changes of sites."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from collector_core.storage import DiskQueue, StorageError, StorageReason


class Outbox:
    """Entries of readings or of something else, on disk when `append` returns. Safe to use from any thread.

    Methods raise `StorageError`, `append` also where `max_bytes` wait already.
    """

    def __init__(self, path: Path, max_bytes: int, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._clock = clock
        self._queue = DiskQueue(path, max_bytes=2 * max_bytes)  # it would drop the oldest; we refuse the newest
        self._lock = threading.Lock()

    @property
    def readings(self) -> int:
        """How many readings wait."""
        with self._lock:
            self._queue.open()
            return self._queue.records

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, new sites included."""
        with self._lock:
            self._queue.open()
            return self._queue.bytes == 0

    def append(self, body: bytes, readings: int = 0) -> None:
        """Keep an entry."""
        with self._lock:
            self._queue.open()
            if self._queue.bytes >= self._max_bytes:
                detail = f"{self._queue.records} readings wait for the database; no more fit into `queue_max_bytes`"
                raise StorageError(self._path, StorageReason.DISK_FULL, detail, fix="start the database")
            self._queue.append([(self._clock(), readings, body)])

    def head(self, readings: int) -> list[tuple[int, bytes]]:
        """The oldest entries, each with its number, that hold as many readings; damaged ones are empty."""
        with self._lock:
            return [(entry.id, _content(entry)) for entry in self._queue.head(readings)]

    def remove_through(self, number: int) -> None:
        """Forget the oldest entries up to this one."""
        with self._lock:
            self._queue.remove_through(number)

    def close(self) -> None:
        """Let go of the file; any number of times."""
        with self._lock:
            self._queue.close()


def _content(entry: Any) -> bytes:
    try:
        return bytes(entry.content)
    except ValueError:
        return b""
