"""The embedded store: a journal of what was read last, blocks of readings, and tiers of summaries."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from weakref import WeakKeyDictionary

from collector_core.history import journal, points
from collector_core.history.blocks import SPAN, Blocks, SummaryBlocks, TimeColumns
from collector_core.history.catalogue import Catalogue, KeptSeries
from collector_core.history.head import Head, Table
from collector_core.history.interface import (
    DELETED,
    EVER,
    SUMMED,
    TIER,
    Batch,
    Event,
    HistorySample,
    SeriesGroup,
)
from collector_core.history.points import Point, Points
from collector_core.history.schema import FILE, SCHEMA
from collector_core.history.tiers import HOUR, Steps, floor_to, hours_of, periods_to_sum_up, summarize_tiers
from collector_core.storage.errors import StorageError, StorageReason
from collector_core.storage.sqlite import Database

SETTLING = 5 * 60_000  # milliseconds after an hour until it is summed up: the first reading after it must be known
BUSY_SECONDS = 2.0
LAYOUT = ("page_size = 1024", "auto_vacuum = INCREMENTAL")  # blocks of any size waste less of small pages
MOVED = "the file was moved or deleted; it is opened anew"
MOVED_FIX = "stop the collector before its files are moved"
LOG_PAGES = 256  # in the write-ahead log until they are moved to the file: the log counts for `max_bytes`

_EMPTY = """
    SELECT id FROM series WHERE NOT EXISTS (SELECT 1 FROM blocks WHERE blocks.series = series.id)
    AND NOT EXISTS (SELECT 1 FROM summaries WHERE summaries.series = series.id)
"""


class Store:
    """One folder with all that is kept. For one thread; only `head` may be called from any.

    `steps` are the tiers' steps in milliseconds, `entries` is how many entries the journal has. With `read_only` it is
    opened beside the process that writes. All methods raise `StorageError`, and may be called again.
    """

    def __init__(self, folder: Path, steps: Sequence[int] = (), *, read_only: bool = False) -> None:
        self.folder = folder
        self.writes = not read_only
        self.steps = tuple(sorted(steps))
        self.database = Database(
            folder / FILE,
            SCHEMA,
            synchronous="NORMAL",
            layout=LAYOUT,
            exclusive=not read_only,
            read_only=read_only,
            busy_seconds=BUSY_SECONDS if read_only else 0.0,
        )
        self._times = TimeColumns(self.database)
        self.catalogue = Catalogue(self.database)
        self.blocks = Blocks(self.database, self._times)
        self.summaries = SummaryBlocks(self.database, self._times)
        self._head = Head()
        self._numbers: WeakKeyDictionary[SeriesGroup, tuple[int, tuple[int, ...]]] = WeakKeyDictionary()
        self._journaled = self.entries = 0
        self._connection = 0
        self._marks: dict[str, int] = {}

    def open(self) -> None:
        """Open the file and read what is needed of it."""
        self.database.open()
        self._connection = self.database.connections
        if self.writes:
            self.database.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        self._times.forget()
        self.catalogue.load()
        self.load_marks()
        counters = {number for number, kept in self.catalogue if kept.is_counter}
        head = Head()
        self._journaled = self.entries = 0
        for entry, data in self.database.rows("SELECT id, data FROM journal ORDER BY id"):
            self._journaled = entry
            self.entries += 1
            for table in journal.decode_tables(data, counters):
                head.add(table)
        self._head = head

    def close(self) -> None:
        """Close the file; may be called any number of times."""
        self.database.close()

    @property
    def size(self) -> int:
        """How many bytes the folder's files take on disk."""
        total = 0
        for file in self.folder.iterdir():
            with suppress(FileNotFoundError):
                total += file.stat().st_size
        return total

    @property
    def waiting(self) -> int:
        """How many readings are in the journal alone."""
        return self._head.waiting

    def load_marks(self) -> None:
        """Read the times that the store has noted."""
        self._marks = dict(self.database.rows("SELECT name, time FROM marks"))

    def mark(self, name: str) -> int:
        """A time that the store has noted; 0 where it has not."""
        return self._marks.get(name, 0)

    @property
    def tiers(self) -> dict[int, int]:
        """The tiers that there are: since when each is complete, by its step."""
        return {int(name.removeprefix(TIER)): time for name, time in self._marks.items() if name.startswith(TIER)}

    def append(self, samples: Sequence[HistorySample], events: Iterable[Event] = ()) -> None:
        """Keep readings and events; they are durable when this returns, and without effect when it raises."""
        self.record(list(_batches(samples)), events)

    def record(self, batches: Sequence[Batch], events: Iterable[Event] = ()) -> None:
        """The same, for many readings at once."""
        with self.changing() as connection:
            tables = [
                Table(
                    self._numbers_of(connection, each.group), each.group.counters, each.times, each.values, each.rises
                )
                for each in batches
            ]
            self.record_events(connection, events)
            if tables:
                row = (journal.encode(tables),)
                ((entry,),) = connection.execute("INSERT INTO journal (data) VALUES (?) RETURNING id", row).fetchall()
        if tables:
            self._journaled = entry
            self.entries += 1
        for table in tables:
            self._head.add(table)

    def put(self, kept: KeptSeries, new: Points, *, replace: bool = False) -> None:
        """Keep readings of any time, past the journal; with `replace` instead of those at the same times."""
        with self.changing() as connection:
            number = self.catalogue.add(connection, kept)
            self.blocks.put(connection, number, new, replace=replace, over=self.mark(SUMMED))
            self._sum_up(connection, number, kept, {floor_to(time, HOUR) for time in new.times}, self.starts())

    def put_summaries(self, kept: KeptSeries, step: int, new: Steps) -> None:
        """Keep steps of a tier; where there is one already it stays."""
        with self.changing() as connection:
            self.summaries.put(connection, self.catalogue.add(connection, kept), step, new, replace=False)

    def seal(self, now: int) -> None:
        """Write the journal as blocks, and sum up the hours that are over."""
        since = self.mark(SUMMED)
        until = max(since, floor_to(now - SETTLING, HOUR))
        starts = self.starts()
        with self.changing() as connection:
            for number, kept in self.catalogue:
                new = self.head(number)
                self.blocks.put(connection, number, new)
                hours = set(hours_of(new.times)) | (self._hours(number, since) if until > since else set())
                self._sum_up(connection, number, kept, {hour for hour in hours if hour < until}, starts)
            connection.execute("DELETE FROM journal WHERE id <= ?", (self._journaled,))
            self.set_mark(connection, SUMMED, until)
            for step in self.steps:
                if f"{TIER}{step}" not in self._marks:
                    self.set_mark(connection, f"{TIER}{step}", since)
        self.entries = 0
        self._head = Head()

    def compact(self, now: int, most: int | None = None) -> int:
        """Put the hours of spans that are over together; at most so many. Returns how many blocks were made."""
        spans = self.blocks.spans_to_compact(floor_to(now - HOUR, SPAN))[:most]
        for series, start in spans:
            with self.changing() as connection:
                self.blocks.compact(connection, series, start)
        return len(spans)

    def head(self, number: int) -> Points:
        """What of a series is in the journal alone."""
        return self._head.points(number)

    def read(self, number: int, start: int, end: int) -> Points:
        """Readings of a series from `start` to before `end`, as they were collected."""
        return self._inside(number, self.head(number), start, end)

    def around(self, number: int, start: int, end: int) -> Points:
        """The same, with the last reading before and the first one after."""
        head = self.head(number)
        inside = self._inside(number, head, start, end)
        before = _last_of(self.blocks.last_before(number, start), head.between(0, start))
        after = [point for point in (self.blocks.first_from(number, end), *head.between(end, EVER)) if point]
        is_counter = bool(inside.rises or head.rises)
        first, last = (
            points.of(each, is_counter=is_counter) for each in ([before] if before else [], sorted(after)[:1])
        )
        return first.merged(inside).merged(last)

    def _inside(self, number: int, head: Points, start: int, end: int) -> Points:
        return self.blocks.read(number, start, end).merged(head.between(start, end))

    def last(self, number: int) -> Point | None:
        """The last reading of a series, or what the tiers know of it."""
        found = _last_of(self.blocks.last_before(number, EVER), self.head(number))
        return found or self._last_summary(number)

    def last_time(self) -> int:
        """The time of the last reading of all; 0 where there is none."""
        ((last,),) = self.database.rows("SELECT max(end) FROM blocks")
        return max(last or 0, self._head.last_time())

    def span(self, number: int) -> tuple[int, int] | None:
        """The times of the first and the last reading of a series."""
        head = self.head(number).times
        (ends,) = self.database.rows("SELECT min(start), max(end) FROM blocks WHERE series = ?", (number,))
        query = "SELECT step, min(start), max(start) FROM summaries WHERE series = ? GROUP BY step ORDER BY step"
        tiers = self.database.rows(query, (number,))
        times = [time for time in (*ends, *head[:1], *head[-1:]) if time is not None]
        times = times or [last for _, _, last in tiers[:1]]
        if not times:
            return None
        first = min(times)
        return min([first, *(start for step, start, _ in tiers if start + step <= first)]), max(times)

    def events(self, start: int, end: int) -> list[Event]:
        """What happened from `start` to before `end`, in the order of time."""
        query = "SELECT time, kind, source, text FROM events WHERE time >= ? AND time < ? ORDER BY time, id"
        return [Event(*row) for row in self.database.rows(query, (start, end))]

    def starts(self) -> list[int]:
        """When the collector was started, in the order of time: no reading holds across these."""
        return [time for (time,) in self.database.rows("SELECT time FROM events WHERE kind = 'start' ORDER BY time")]

    def delete(self, connection: sqlite3.Connection, number: int) -> None:
        """Delete all blocks of a series."""
        for table in ("blocks", "summaries"):
            self._times.delete_blocks(connection, f"{table} WHERE series = ?", (number,))

    def record_events(self, connection: sqlite3.Connection, events: Iterable[Event]) -> None:
        """Keep events, each once."""
        connection.executemany("INSERT OR IGNORE INTO events (time, kind, source, text) VALUES (?, ?, ?, ?)", events)

    def set_mark(self, connection: sqlite3.Connection, name: str, time: int) -> None:
        """Note a time."""
        connection.execute("INSERT OR REPLACE INTO marks (name, time) VALUES (?, ?)", (name, time))
        self._marks[name] = time

    def remove_unused(self, connection: sqlite3.Connection) -> None:
        """Delete times that no block needs, and series of which there is nothing any more; costs nothing in vain."""
        if not self._times.remove_unused(connection):
            return
        waiting = self._head.numbers()
        unused = [(number,) for (number,) in connection.execute(_EMPTY) if number not in waiting]
        if unused:
            connection.executemany("DELETE FROM series WHERE id = ?", unused)
            self.catalogue.load()

    def damaged(self) -> list[str]:
        """What is wrong with each block, and each entry of the journal, that is damaged."""
        found = [*self.blocks.damaged(), *self.summaries.damaged()]
        for entry, data in self.database.rows("SELECT id, data FROM journal"):
            try:
                journal.decode(data)
            except ValueError as error:
                found.append(f"entry {entry} of the journal: {error}")
        return found

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction after whose failure nothing is remembered that was not stored.

        What is known of one file, such as the numbers of its series, never gets into another one.
        """
        marks = dict(self._marks)
        try:
            with self.database.transaction() as connection:
                if self.database.connections != self._connection:
                    raise StorageError(self.database.path, StorageReason.FAILED, MOVED, fix=MOVED_FIX)  # noqa: TRY301
                yield connection
        except BaseException:
            self._marks = marks
            self._times.forget()
            with suppress(StorageError):  # it is loaded anew when the file is opened
                self.catalogue.load()
            raise

    def _numbers_of(self, connection: sqlite3.Connection, group: SeriesGroup) -> tuple[int, ...]:
        """The numbers of series; looked up once, unless the catalogue was read anew."""
        loads, numbers = self._numbers.get(group, (-1, ()))
        if loads != self.catalogue.loads:
            numbers = tuple([self.catalogue.add(connection, kept) for kept in group.kept])
            self._numbers[group] = self.catalogue.loads, numbers
        return numbers

    def _sum_up(
        self, connection: sqlite3.Connection, number: int, kept: KeptSeries, hours: set[int], starts: Sequence[int]
    ) -> None:
        """Make the summaries of whole hours, and of the hour before each, whose last reading may hold longer now."""
        for start, end in periods_to_sum_up(hours, self.mark(DELETED)):
            readings = self.around(number, start, end)
            for step, found in summarize_tiers(readings, self.steps, start, end, gap=kept.gap, breaks=starts):
                self.summaries.put(connection, number, step, found, replace=start >= self.mark(DELETED))

    def _hours(self, number: int, since: int) -> set[int]:
        """The hours from `since` on of which there are blocks."""
        query = "SELECT start, end FROM blocks WHERE series = ? AND end >= ?"
        rows = self.database.rows(query, (number, since))
        return {hour for start, end in rows for hour in range(floor_to(max(start, since), HOUR), end + 1, HOUR)}

    def _last_summary(self, number: int) -> Point | None:
        query = "SELECT step, max(start) FROM summaries WHERE series = ? GROUP BY step ORDER BY step LIMIT 1"
        for step, start in self.database.rows(query, (number,)):
            for time, summary in list(self.summaries.read(number, step, start, EVER))[-1:]:
                return Point(time, summary.last)
        return None


def _batches(samples: Sequence[HistorySample]) -> Iterator[Batch]:
    """Neighbours of the same time put together; of two readings of a series the first one stays."""
    for time, group in groupby(samples, key=lambda sample: sample.time):
        once: dict[str, HistorySample] = {}
        for sample in group:
            once.setdefault(sample.kept.series.text, sample)
        found = sorted(once.values(), key=lambda sample: not sample.kept.is_counter)
        counters = [sample for sample in found if sample.kept.is_counter]
        yield Batch(
            SeriesGroup([sample.kept for sample in found], len(counters)),
            array("q", [time]),
            array("d", [sample.value for sample in found]),
            array("d", [sample.rise for sample in counters]),
        )


def _last_of(stored: Point | None, waiting: Points) -> Point | None:
    return max((point for point in (stored, waiting.point(-1) if waiting else None) if point), default=None)
