"""The history in PostgreSQL as a command works on it."""

from __future__ import annotations

from collector_core.history.options import HistoryOptions
from collector_core.history.postgres.entries import EntrySeries, decode_entry
from collector_core.history.postgres.queued import FILE, HOLDER, new_holder
from collector_core.history.postgres.store import PostgresStore
from collector_core.storage.queue import DiskQueue

COMMAND_SECONDS = 600.0  # for one transaction
NOBODY = 0


class CommandStore(PostgresStore):
    """A `HistoryStore`: with `read_only` beside the daemon, else in its place, with what still waits on its disk."""

    def __init__(self, options: HistoryOptions, *, read_only: bool = False) -> None:
        super().__init__(options, NOBODY, timeout=COMMAND_SECONDS)
        self._read_only = read_only
        self._queue = DiskQueue(options.folder / FILE, max_bytes=options.max_bytes)

    def open(self) -> None:
        """Connect; to write, as the daemon of this machine, which must not run."""
        if self._read_only:
            with self.using():
                self.refresh()
            return
        self._queue.open()
        self.holder = self._queue.mark(HOLDER) or new_holder(self._queue)
        super().open()
        self._deliver_waiting()

    def close(self) -> None:
        """Disconnect; may be called any number of times."""
        if not self._read_only and self.agent:
            self.release()
            self.agent = 0
        super().close()
        self._queue.close()

    def _deliver_waiting(self) -> None:
        for entry in self._queue.head(0, through=self._queue.last_id):
            if entry.id > self.delivered:
                series = EntrySeries(kept for _, kept in self.catalogue)
                self.deliver(*decode_entry(entry.content, series), entry.id)
        self._queue.remove_through(self._queue.last_id)
