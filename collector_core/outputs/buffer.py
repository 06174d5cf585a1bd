"""What waits to be delivered: on disk and, while the disk refuses, a little of it in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from collector_core.outputs.codec import QueuedBody
from collector_core.outputs.health import Drop
from collector_core.storage.errors import StorageError
from collector_core.storage.queue import OVERHEAD, DiskQueue, QueueEntry

UNSAVED_BYTES = 4 << 20  # of what could not be written, in memory

Unsaved = tuple[float, int, bytes]


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that are sent together, with the first and the last one's id; None where they are only in memory."""

    bodies: tuple[bytes, ...]
    count: int
    first_id: int | None = None
    last_id: int | None = None


class Buffer:
    """The queue of one output. What is wrong with its disk is never raised: `problem` says it.

    While the file cannot be written, records wait in memory, and are written once that is possible again. `drop` is
    told of all records that had to go. Not thread-safe.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        max_age: float,
        drop: Callable[[int, Drop], None],
        compressed: bool = False,
    ) -> None:
        self.problem: StorageError | None = None
        self._queue = DiskQueue(path, max_bytes=max_bytes, compressed=compressed)
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._drop = drop
        self._unsaved: deque[Unsaved] = deque()
        self._marks: dict[str, int] = {}  # that are written with the unsaved
        self._delivered = 0  # id of the last entry that was delivered; it may still be on disk
        self._in_flight = 0  # id of the last entry that is being sent
        self._is_memory_in_flight = False
        self._lost_in_flight: list[tuple[int, Drop]] = []

    @property
    def bytes(self) -> int:
        """Size of all that waits."""
        return self._queue.bytes + self._unsaved_bytes

    @property
    def records(self) -> int:
        """Number of records that wait."""
        return self._queue.records + sum(count for _, count, _ in self._unsaved)

    @property
    def oldest_at(self) -> float | None:
        """When the oldest was appended, in seconds since 1970; None if there is none."""
        if self._queue.oldest_at is not None:
            return self._queue.oldest_at
        return self._unsaved[0][0] if self._unsaved else None

    @property
    def set_aside(self) -> Path | None:
        """Where a corrupt file was moved to, if one was found."""
        return self._queue.set_aside

    def append(self, bodies: Sequence[QueuedBody], now: float, *, closes: int | None = None) -> None:
        """Take what one run has brought, or the interval of the number `closes`, which `mark` returns from then on."""
        self._unsaved += [(now, body.records, body.content) for body in bodies]
        if closes is not None:
            self._marks["interval"] = closes
        self.save()

    def save(self) -> None:
        """Write to disk what is only in memory yet."""
        if not self._unsaved or self._is_memory_in_flight:
            return
        with self._explained():
            lost = self._queue.append(tuple(self._unsaved), self._marks)
            self._unsaved.clear()
            self._marks.clear()
            self._lose(lost, Drop.QUEUE_FULL)
        limit = min(self._max_bytes - self._queue.bytes, UNSAVED_BYTES)
        while self._unsaved and self._unsaved_bytes > limit:
            _, count, _ = self._unsaved.popleft()
            self._drop(count, Drop.QUEUE_FULL)

    def expire(self, now: float) -> None:
        """Drop what has waited for too long."""
        with self._explained():
            self._lose(self._queue.remove_older(now - self._max_age), Drop.TOO_OLD)
            if not self._unsaved and not self._delivered:
                self.problem = None

    def next_batch(self, size: int, *, through: int | None = None) -> Batch | None:
        """What to send next: all records up to the id `through` if some are left, else the oldest, about `size`."""
        entries: list[QueueEntry] = []
        with self._explained():
            self._remove_delivered()
        with self._explained():
            entries = self._queue.head(size, after=self._delivered, through=through)
            entries = entries or self._queue.head(size, after=self._delivered)
        if entries:
            self._in_flight = entries[-1].id
            return self._saved_batch(entries)
        if self._unsaved:
            _, count, body = self._unsaved[0]
            self._is_memory_in_flight = True
            return Batch((body,), count)
        return None

    def is_inherited(self, batch: Batch) -> bool:
        """Whether records of it were appended by the process before."""
        return batch.first_id is not None and batch.first_id <= (self._queue.inherited_id or 0)

    def settle(self, batch: Batch, *, delivered: bool) -> None:
        """A batch has been delivered, or dropped for good, and is forgotten; or it failed and stays."""
        lost, self._lost_in_flight = self._lost_in_flight, []
        self._in_flight, self._is_memory_in_flight = 0, False
        if not delivered:
            for count, reason in lost:
                self._drop(count, reason)
        elif batch.last_id is not None:
            self._delivered = batch.last_id
            with self._explained():
                self._remove_delivered()
        elif self._unsaved and self._unsaved[0][2] is batch.bodies[0]:
            self._unsaved.popleft()

    def mark(self) -> int | None:
        """The number of the interval that was taken last, by this process or the one before."""
        with self._explained():
            return self._queue.mark("interval")
        return None

    def sent_last(self) -> int | None:
        """The id that `note_sending` was given last, by this process or the one before."""
        with self._explained():
            return self._queue.mark("sending")
        return None

    def note_sending(self, batch: Batch) -> None:
        """Remember, even after a crash, which batch is about to be sent."""
        if batch.last_id is not None:
            with self._explained():
                self._queue.set_mark("sending", batch.last_id)

    def close(self) -> None:
        """Let go of the file."""
        self._queue.close()

    def _saved_batch(self, entries: Sequence[QueueEntry]) -> Batch:
        """The batch of these entries; those that are damaged are dropped."""
        bodies, count = list[bytes](), 0
        for entry in entries:
            try:
                bodies.append(entry.content)
                count += entry.records
            except ValueError:
                self._drop(entry.records, Drop.CORRUPT)
        return Batch(tuple(bodies), count, entries[0].id, entries[-1].id)

    def _remove_delivered(self) -> None:
        if self._delivered:
            self._queue.remove_through(self._delivered)
            self._delivered = 0

    def _lose(self, entries: Sequence[QueueEntry], reason: Drop) -> None:
        for entry in entries:
            if entry.id and entry.id <= self._in_flight:
                self._lost_in_flight.append((entry.records, reason))  # unless they arrive all the same
            elif not 0 < entry.id <= self._delivered:
                self._drop(entry.records, reason)

    @property
    def _unsaved_bytes(self) -> int:
        return sum(len(body) + OVERHEAD for _, _, body in self._unsaved)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except StorageError as error:
            self.problem = error
