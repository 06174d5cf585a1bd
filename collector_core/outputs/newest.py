"""What waits for an output that wants only the newest of everything: in memory, one record of each key."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from collector_core.outputs.buffer import Batch
from collector_core.outputs.codec import QueuedBody
from collector_core.outputs.health import Drop
from collector_core.storage.errors import StorageError


class NewestBuffer:
    """As `Buffer`, but a record takes the place of the one with the same key, its first part. Nothing is on disk."""

    set_aside: Path | None = None
    problem: StorageError | None = None
    bytes = 0  # on disk

    def __init__(self, *, max_age: float, drop: Callable[[int, Drop], None]) -> None:
        self._max_age = max_age
        self._drop = drop
        self._waiting: dict[str, tuple[float, list[Any]]] = {}
        self._in_flight: dict[str, tuple[float, list[Any]]] = {}

    @property
    def records(self) -> int:
        """Number of records that wait."""
        return len(self._waiting) + len(self._in_flight)

    @property
    def oldest_at(self) -> float | None:
        """When the oldest was appended, in seconds since 1970; None if there is none."""
        return min((at for at, _ in (*self._waiting.values(), *self._in_flight.values())), default=None)

    def append(self, bodies: Sequence[QueuedBody], now: float, *, closes: int | None = None) -> None:
        """Take records; those that they replace are dropped."""
        del closes
        for body in bodies:
            for record in json.loads(body.content):
                if self._waiting.pop(record[0], None) is not None:
                    self._drop(1, Drop.SUPERSEDED)
                self._waiting[record[0]] = now, record

    def save(self) -> None:
        """Do nothing: there is no disk."""

    def expire(self, now: float) -> None:
        """Drop what has waited for too long."""
        old = [key for key, (at, _) in self._waiting.items() if at < now - self._max_age]
        for key in old:
            del self._waiting[key]
        self._drop(len(old), Drop.TOO_OLD)

    def next_batch(self, size: int, *, through: int | None = None) -> Batch | None:
        """The records that wait, up to `size`."""
        del through  # there is nothing to repeat: what has failed is older than what waits
        keys = list(self._waiting)[:size]
        if not keys:
            return None
        self._in_flight = {key: self._waiting.pop(key) for key in keys}
        records = [record for _, record in self._in_flight.values()]
        return Batch((json.dumps(records).encode(),), len(records))

    def is_inherited(self, batch: Batch) -> bool:
        """Whether the process before has appended records of it: never."""
        del batch
        return False

    def settle(self, batch: Batch, *, delivered: bool) -> None:
        """A batch has been delivered; or it failed, and its records wait unless there are newer ones."""
        del batch
        failed, self._in_flight = ({} if delivered else self._in_flight), {}
        self._drop(len(failed.keys() & self._waiting.keys()), Drop.SUPERSEDED)
        self._waiting = failed | self._waiting

    def mark(self) -> int | None:
        """No number is kept."""
        return None

    def sent_last(self) -> int | None:
        """No number is kept."""
        return None

    def note_sending(self, batch: Batch) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Keep nothing."""
