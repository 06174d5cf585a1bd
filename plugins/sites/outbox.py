"""What waits on our own disk until the database takes it, in order: readings, new sites and changes of sites."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from collector_core.storage import DiskQueue, StorageError, StorageReason
from collector_plugins.sites.own_thread import OwnThread

ResultT = TypeVar("ResultT")


class Outbox:
    """Entries of readings or of something else, on disk when `append` returns. Safe to use from any thread.

    Methods raise `StorageError`, `append` also where `max_bytes` wait already.
    """

    def __init__(self, path: Path, max_bytes: int, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._clock = clock
        # A queue that is full would drop the oldest; we refuse the newest.
        self._thread = OwnThread("sites-outbox", lambda: DiskQueue(path, max_bytes=2 * max_bytes))

    @property
    def readings(self) -> int:
        """How many readings wait."""
        return self._do(lambda queue: queue.records)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, new sites included."""
        return self._do(lambda queue: queue.bytes == 0)

    def append(self, body: bytes, readings: int = 0) -> None:
        """Keep an entry."""

        def append(queue: DiskQueue) -> None:
            if queue.bytes >= self._max_bytes:
                detail = f"{queue.records} readings wait for the database; no more fit into `queue_max_bytes`"
                raise StorageError(self._path, StorageReason.DISK_FULL, detail, fix="start the database")
            queue.append([(self._clock(), readings, body)])

        self._do(append)

    def head(self, readings: int) -> list[tuple[int, bytes]]:
        """The oldest entries, each with its number, that hold as many readings; damaged ones are empty."""
        return self._do(lambda queue: [(entry.id, _content(entry)) for entry in queue.head(readings)])

    def remove_through(self, number: int) -> None:
        """Forget the oldest entries up to this one."""
        self._do(lambda queue: queue.remove_through(number))

    def close(self) -> None:
        """Let go of the file; any number of times."""
        self._thread.close()

    def _do(self, work: Callable[[DiskQueue], ResultT]) -> ResultT:
        """What the queue answers, which belongs to one thread."""

        def do(queue: DiskQueue) -> ResultT:
            queue.open()
            return work(queue)

        return self._thread.submit(do).result()


def _content(entry: Any) -> bytes:
    try:
        return bytes(entry.content)
    except ValueError:
        return b""
