"""Reading the database beside the thread that writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from collector_core.history.interface import HistoryReader
from collector_core.history.options import HistoryOptions
from collector_core.history.postgres.reader import PostgresReader

READING_SECONDS = 20.0  # for one answer


class PostgresReading:
    """A connection of its own, for one thread. `check` raises where it is known that the database is away."""

    def __init__(self, options: HistoryOptions, check: Callable[[], None]) -> None:
        self._reader = PostgresReader(options, timeout=READING_SECONDS)
        self._check = check

    @contextmanager
    def reading(self) -> Iterator[HistoryReader]:
        """One state of the store, for a block; raises `StorageError`."""
        self._check()
        with self._reader.snapshot():
            yield self._reader

    def cut(self) -> None:
        """End what waits for the server; safe to call from any thread."""
        self._reader.cut()

    def close(self) -> None:
        """Disconnect; it connects again when it is needed."""
        self._reader.close()
