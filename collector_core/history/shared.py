"""Reading the store beside the thread that writes it, within one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from collector_core.history.interface import HistoryReader
from collector_core.history.points import Points
from collector_core.history.store import Store


class SharedReader:
    """Another connection to the store that a process writes; for one thread, another one than the writer's.

    What is in the journal alone comes from the writer's memory, so that nothing is decoded twice; where another process
    writes, it is read.
    """

    def __init__(self, writer: Store) -> None:
        self.writer = writer
        self._store = _Beside(writer)

    @contextmanager
    def reading(self) -> Iterator[HistoryReader]:
        """The store as it is now, for a block; raises `StorageError`."""
        try:
            self._store.refresh()
            yield self._store
        except BaseException:
            self._store.close()
            raise

    def close(self) -> None:
        """Close the connection; it opens again when it is needed."""
        self._store.close()


class _Beside(Store):
    """A store whose journal is another one's, as long as that writes."""

    def __init__(self, writer: Store) -> None:
        super().__init__(writer.folder, read_only=True)
        self._writer = writer
        self._version: tuple[int, int, bool] | None = None
        self._has_journal = False

    def open(self) -> None:
        """Read what is needed; the journal is not where its writer is open."""
        self._has_journal = not self._writer.database.is_open
        if self._has_journal:
            super().open()
            return
        self.database.open()
        self.catalogue.load()
        self.load_marks()

    def refresh(self) -> None:
        """Read again what others have changed."""
        ((changes,),) = self.database.rows("PRAGMA data_version")
        version = self.database.connections, changes, self._writer.database.is_open
        if version != self._version:
            self.open()
            self._version = version

    def close(self) -> None:
        """Close the file; may be called any number of times."""
        self._version = None
        super().close()

    def head(self, number: int) -> Points:
        """What of a series is in the journal alone."""
        return super().head(number) if self._has_journal else self._writer.head(number)

    def last_time(self) -> int:
        """The time of the last reading of all; 0 where there is none."""
        return super().last_time() if self._has_journal else self._writer.last_time()
