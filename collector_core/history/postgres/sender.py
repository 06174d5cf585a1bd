"""The thread that talks to the database, so that nobody else waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import NamedTuple

from collector_core.errors import NotAvailable, describe
from collector_core.history.interface import Event, HistorySample
from collector_core.history.postgres.checks import layout_of
from collector_core.history.postgres.entries import EntrySeries, decode_entry
from collector_core.history.postgres.store import PostgresStore
from collector_core.storage.errors import StorageError, StorageReason
from collector_core.storage.queue import QueueEntry

log = logging.getLogger(__name__)

Task = Callable[[PostgresStore], None]


class Lot(NamedTuple):
    """What to do at once: deliver entries of a queue whose last one is `newest`, then tasks.

    With `unsure` entries before these were lost.
    """

    entries: Sequence[QueueEntry]
    tasks: Sequence[Task]
    newest: int
    unsure: bool = False


class Sender:
    """Delivers entries of a queue and does tasks, one lot at a time, on a thread of its own.

    `trouble` is why the last lot failed, None if it did not, `delivered` the last entry that is in the database,
    `damaged` how many readings could not be decoded, `layout` how the database lays them out, once that is known.
    `told` is called when a lot has ended.
    """

    def __init__(self, store: PostgresStore, told: Callable[[], None]) -> None:
        self.trouble: StorageError | None = None
        self.delivered = 0
        self.damaged = 0
        self.layout = ""
        self._store = store
        self._told = told
        self._is_open = False
        self._idle = threading.Event()
        self._idle.set()
        self._lots = SimpleQueue[Lot | None]()
        self._thread = threading.Thread(target=self._run, name="history-sender", daemon=True)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        """Whether it takes a lot."""
        return self._idle.is_set()

    def send(self, lot: Lot) -> None:
        """Do this; only when it is idle."""
        self._idle.clear()
        self._lots.put(lot)

    def wait(self, seconds: float) -> bool:
        """Wait until it is idle, for so long at most; returns whether it is."""
        return self._idle.wait(seconds)

    def stop(self) -> None:
        """End the thread when it has done its lot, or the program ends."""
        self._lots.put(None)

    def _run(self) -> None:
        while (lot := self._lots.get()) is not None:
            try:
                self._work(lot)
                self.trouble = None
            except StorageError as error:
                self._fail(error)
            except NotAvailable as error:
                self._fail(StorageError(self._store.place, StorageReason.FAILED, error.detail, fix=error.fix))
            except Exception as error:  # noqa: BLE001 - the thread must live on
                self._fail(StorageError(self._store.place, StorageReason.FAILED, describe(error)))
            self._idle.set()
            self._told()
        self._store.close()

    def _fail(self, error: StorageError) -> None:
        self.trouble = error
        self._is_open = False
        self._store.close()

    def _work(self, lot: Lot) -> None:
        if not self._is_open:
            self._store.open()
            self._is_open = True
            self.layout = layout_of(self._store)
            log.info("history: kept in %s: %s", self._store.place, self.layout)
        if self._store.delivered > lot.newest:  # the queue was lost, and counts anew
            self._store.forget_delivered()
        self.delivered = self._store.delivered
        self._deliver([entry for entry in lot.entries if entry.id > self.delivered], unsure=lot.unsure)
        for task in lot.tasks:
            task(self._store)

    def _deliver(self, entries: Sequence[QueueEntry], *, unsure: bool) -> None:
        """All entries in one transaction; one that is damaged does not take the others with it."""
        samples, events = list[HistorySample](), list[Event]()
        series = EntrySeries(kept for _, kept in self._store.catalogue)
        for entry in entries:
            try:
                found = decode_entry(entry.content, series)
            except ValueError as error:
                self.damaged += entry.records
                log.error("history: readings that waited are damaged and left out: %s", error)  # noqa: TRY400
                continue
            samples += found[0]
            events += found[1]
        self._store.deliver(samples, events, entries[-1].id if entries else None, unsure=unsure)
        self.delivered = self._store.delivered
