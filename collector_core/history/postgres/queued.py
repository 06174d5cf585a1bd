"""The history in PostgreSQL as a running collector writes it: on disk first, then in the database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from math import inf, nan
from pathlib import Path
from weakref import WeakSet

from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import Batch, Event, HistoryReader, HistorySample
from collector_core.history.options import HistoryOptions
from collector_core.history.postgres.entries import encode_entry
from collector_core.history.postgres.reading import PostgresReading
from collector_core.history.postgres.sender import Lot, Sender, Task
from collector_core.history.postgres.store import PostgresStore
from collector_core.model.clock import Clock
from collector_core.storage.errors import StorageError, StorageReason
from collector_core.storage.queue import DiskQueue

FILE = "queue.db"
HOLDER = "holder"  # marks of the queue: what its writer is known by,
LOST = "lost"  # the last entry there was no room for
MOST_RECORDS = 50_000  # that are delivered in one transaction
SENDING_SECONDS = 10.0
REFUSED_SECONDS = 30.0  # until a password is tried again,
RETRY_SECONDS = 5.0  # and anything else
HEARTBEAT_SECONDS = 15.0  # the agent's name is held by what is written
END_SECONDS = 0.7  # to deliver what waits at the end
HOLDERS = 1 << 62


class QueuedStore:
    """A `LiveStore`: what is appended is on disk when that returns, and another thread brings it to the database.

    The entry that was delivered last is noted in the same transaction as its readings, so that nothing comes twice.
    """

    def __init__(self, options: HistoryOptions, clock: Clock, told: Callable[[], None]) -> None:
        self.place = self.layout = ""
        self.dropped = self.stray = 0
        self.is_full = False
        self._options = options
        self._clock = clock
        self._told = told
        self._queue = DiskQueue(options.folder / FILE, max_bytes=options.max_bytes)
        self._store = self._new_store(0)
        self.place = self._store.place
        self._sender: Sender | None = None
        self._trouble: StorageError | None = None
        self._next_try = self._heartbeat_at = -inf
        self._known: dict[str, KeptSeries] = {}
        self._locked_out = range(0)
        self._tasks: dict[str, Task] = {}
        self._readers = WeakSet[PostgresReading]()

    @property
    def size(self) -> int:
        """How many bytes the files take that wait for the database."""
        total = 0
        for file in self._options.folder.iterdir():
            with suppress(FileNotFoundError):
                total += file.stat().st_size
        return total

    @property
    def waiting(self) -> int:
        """How many readings wait for the database."""
        return self._queue.records

    @property
    def set_aside(self) -> Path | None:
        """Where a corrupt file was moved to, if one was found when it was opened."""
        return self._queue.set_aside

    def open(self) -> None:
        """Open the queue, and begin to connect."""
        self._queue.open()
        if self._sender is None:
            self._store = self._new_store(self._queue.mark(HOLDER) or new_holder(self._queue))
            self._sender = Sender(self._store, self._told)
            self._sender.trouble = self._trouble  # until it has found out whether that is over
        self._exchange()

    def close(self) -> None:
        """Deliver what can be delivered at once, and end; what waits is delivered after the next start."""
        if self._sender is not None:
            if self._trouble is None:
                with suppress(StorageError):
                    self._deliver_last(self._sender)
            self._sender.stop()
            self._sender = None
        for reader in list(self._readers):
            reader.cut()
        self._queue.close()

    def _deliver_last(self, sender: Sender) -> None:
        """Each half of the time that there is: for what the sender does, and for what has come since."""
        if sender.wait(END_SECONDS / 2):
            self._tasks["release"] = PostgresStore.release
            self._exchange()
            if sender.wait(END_SECONDS / 2):
                self._receive(sender)

    def append(self, samples: Sequence[HistorySample], events: Iterable[Event] = ()) -> None:
        """Keep readings and events on disk; while another process has this one's name, these are that one's."""
        if not self._is_locked:
            self._keep(samples, events)
        self._exchange()

    def record(self, batches: Sequence[Batch], events: Iterable[Event] = ()) -> None:
        """The same, for many readings at once."""
        self.append([sample for batch in batches for sample in batch.samples()], events)

    def _keep(self, samples: Sequence[HistorySample], events: Iterable[Event]) -> None:
        happened = list(events)
        moment = max([*(sample.time for sample in samples), *(event.time for event in happened)]) / 1000
        lost = self._queue.append([(moment, len(samples), encode_entry(samples, happened, self._known))])
        if lost:
            self.dropped += sum(entry.records for entry in lost)
            self._queue.set_mark(LOST, lost[-1].id or self._queue.last_id)

    def last_value(self, kept: KeptSeries) -> float:
        """It is found out when its reading is delivered."""
        del kept
        return nan

    def recorded_ahead(self, now: int) -> tuple[int, int] | None:
        """It is not known; a reading at a time at which there is one already is left out."""
        del now
        return None

    def seal(self, now: int) -> None:
        """Sum up the hours that are over, but for those whose readings still wait."""
        oldest = self._queue.oldest_at
        until = now if oldest is None else min(now, round(oldest * 1000))
        self._tasks["seal"] = lambda store: store.seal(until)

    def maintain(self, now: int) -> bool:
        """Delete what is too old, and make the tables of the next days, on the thread that talks to the database."""
        keep, retention = self._options.keep, round(self._options.retention * 1000)

        def work(store: PostgresStore) -> None:
            store.look_after(now)
            store.delete_old(now, keep, retention)

        self._tasks["maintain"] = work
        return False

    def ask(self, question: Callable[[HistoryReader], None]) -> None:
        """Let it be answered on the thread that talks to the database."""
        self._tasks["ask"] = question

    def check(self) -> None:
        """Raise why what was appended does not arrive, if it does not."""
        self._exchange()
        if self._trouble is not None:
            raise self._trouble

    def reader(self) -> PostgresReading:
        """What reads beside it."""
        found = PostgresReading(self._options, self._raise_trouble)
        self._readers.add(found)
        return found

    def _raise_trouble(self) -> None:
        if self._trouble is not None:
            raise self._trouble

    def _new_store(self, holder: int) -> PostgresStore:
        return PostgresStore(self._options, holder, timeout=SENDING_SECONDS, clock=self._clock.time)

    @property
    def _is_locked(self) -> bool:
        return self._trouble is not None and self._trouble.storage_reason is StorageReason.LOCKED

    def _exchange(self) -> None:
        """Take what the sender has done, and give it what there is to do."""
        sender = self._sender
        if sender is None or not sender.is_idle:
            return
        self._receive(sender)
        now = self._clock.monotonic()
        is_due = self._queue.records or self._queue.oldest_at is not None or self._tasks
        if now >= self._next_try and (is_due or now >= self._heartbeat_at):
            self._send(sender)

    def _send(self, sender: Sender) -> None:
        entries = self._queue.head(MOST_RECORDS)
        lost = self._queue.mark(LOST)
        unsure = bool(entries) and lost is not None and sender.delivered <= lost < entries[0].id
        wanted = [entry for entry in entries if entry.id not in self._locked_out]
        if entries and not wanted and self._trouble is None:
            self._queue.remove_through(entries[-1].id)
        tasks, self._tasks = [*self._tasks.values()], {}
        sender.send(Lot(wanted, tasks, self._queue.last_id, unsure))
        self._heartbeat_at = self._clock.monotonic() + HEARTBEAT_SECONDS

    def _receive(self, sender: Sender) -> None:
        """Take what the sender has done."""
        self.dropped += sender.damaged
        sender.damaged = 0
        self.stray = self._store.stray
        self.layout = sender.layout or self.layout
        if sender.trouble is not self._trouble:
            if self._is_locked and sender.trouble is None:
                now = round(self._clock.time() * 1000)
                self._keep([], [Event(now, "start", "energy-collector", "took over from another process")])
            self._trouble = sender.trouble
            self._next_try = self._clock.monotonic() + self._pause(sender.trouble)
            if self._is_locked:  # what this process has read meanwhile is the other's
                self._locked_out = range((self._queue.inherited_id or 0) + 1, self._queue.last_id + 1)
        if sender.delivered:
            self._queue.remove_through(sender.delivered)
            self._known = {kept.series.text: kept for _, kept in self._store.catalogue}

    @staticmethod
    def _pause(trouble: StorageError | None) -> float:
        if trouble is None:
            return 0.0
        return REFUSED_SECONDS if trouble.storage_reason is StorageReason.REFUSED else RETRY_SECONDS


def new_holder(queue: DiskQueue) -> int:
    """What the writer of this queue is known by from now on."""
    holder = secrets.randbelow(HOLDERS) + 1
    queue.set_mark(HOLDER, holder)
    return holder
