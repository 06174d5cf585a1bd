"""What an agent has kept in PostgreSQL, read."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from socket import gethostname
from typing import TYPE_CHECKING, Any

from collector_core.history.catalogue import SERIES_COLUMNS, KeptSeries, KnownSeries, kept_series
from collector_core.history.interface import EVER, TIER, Columns, Event
from collector_core.history.options import HistoryOptions
from collector_core.history.points import Point, Points
from collector_core.history.postgres.failures import explained
from collector_core.history.postgres.rows import at, fetch
from collector_core.history.postgres.schema import find_layout
from collector_core.history.tiers import COLUMNS, MEAN, StepSummary
from collector_core.storage.postgres import PostgresSession, quote_postgres_name

if TYPE_CHECKING:
    from psycopg import Connection

SECONDS = 30.0  # for one transaction
_KINDS = {"count": "q", "covered": "q"}  # of a tier's columns; the others are numbers
_MEANS = {MEAN: "CASE WHEN covered > 0 THEN integral * 1000 / covered ELSE last END"}
_POINT = "time, value, coalesce(rise, 0)"


class SeriesTable(KnownSeries):
    """The series of one agent, as they were loaded; `counters` are the numbers of those whose rises count."""

    def __init__(self) -> None:
        super().__init__()
        self.counters = set[int]()

    def load(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take rows of the table: numbers, and what `series_row` gives."""
        found = (
            (number, kept_series((text, name, json.dumps(labels), *row))) for number, text, name, labels, *row in rows
        )
        self._known = {kept.series.text: (number, kept) for number, kept in found}
        self.counters = {number for number, kept in self._known.values() if kept.is_counter}

    def add(self, number: int, kept: KeptSeries) -> None:
        """Take a series that has been stored."""
        self._known[kept.series.text] = (number, kept)
        if kept.is_counter:
            self.counters.add(number)

    def copy(self) -> dict[str, tuple[int, KeptSeries]]:
        """What there is, for `restore`."""
        return dict(self._known)

    def restore(self, known: dict[str, tuple[int, KeptSeries]]) -> None:
        """Take back what has been added since."""
        self._known = known


class PostgresReader:
    """A `HistoryReader` for one thread. Each method is a transaction of its own, but for those within `snapshot`."""

    def __init__(self, options: HistoryOptions, *, timeout: float = SECONDS) -> None:
        self.session = PostgresSession(options.store, timeout, extra="postgres")
        self.place = f"{self.session.address}, schema {options.schema_name}"
        self.steps = tuple(options.steps)
        self.catalogue = SeriesTable()
        self.summaries = _SummaryTable(self)
        self.agent = 0
        self._name = options.agent or gethostname()
        self.schema = options.schema_name
        self._s = quote_postgres_name(options.schema_name)
        self._connection: Connection[Any] | None = None
        self._marks: dict[str, int] = {}
        self._revision = -1
        self._layout = ""

    def open(self) -> None:
        """Connect, and read what is needed."""
        with self.using():
            self.refresh()

    def close(self) -> None:
        """Disconnect; may be called any number of times."""
        self._revision = -1
        self.session.close()

    def cut(self) -> None:
        """End what waits for the server; safe to call from any thread."""
        self.session.cut()

    @contextmanager
    def using(self, timeout: float | None = None, *, snapshot: bool = False) -> Iterator[Connection[Any]]:
        """The transaction that there is, or one of its own; raises `StorageError`."""
        if self._connection is not None:
            yield self._connection
            return
        with explained(self.session), self.session.transaction(timeout, snapshot=snapshot) as connection:
            self._connection = connection
            try:
                yield connection
            finally:
                self._connection = None

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """One state of everything, for a block."""
        with self.using(snapshot=True):
            self.refresh()
            yield

    def refresh(self) -> None:
        """Read again what has changed of series and marks."""
        with self.using() as connection:
            self._layout = self._layout or find_layout(connection, self.schema, self.session.address)
            row = self.run("SELECT id, revision FROM {s}.agents WHERE name = %s", self._name).fetchone()
            if row is None or tuple(row) != (self.agent, self._revision):
                self.agent, self._revision = row or (0, -1)
                self.load()

    def load(self) -> None:
        """Read series and marks."""
        columns = ", ".join(f'"{column}"' for column in SERIES_COLUMNS.split(", "))
        self.catalogue.load(self.run(f"SELECT id, {columns} FROM {{s}}.series WHERE agent = %s", self.agent).fetchall())
        self._marks = dict(self.run("SELECT name, time FROM {s}.marks WHERE agent = %s", self.agent).fetchall())

    def run(self, statement: str, *parameters: object) -> Any:
        """Execute a statement, in which `{s}` is the schema."""
        with self.using() as connection:
            return connection.execute(statement.replace("{s}", self._s), parameters or None)

    def fetch(self, query: str, kinds: str) -> Columns:
        """The columns of a query without parameters, in which `{s}` is the schema; `kinds` as in `rows.fetch`."""
        with self.using() as connection:
            return fetch(connection, query.replace("{s}", self._s), kinds)

    @property
    def tiers(self) -> dict[int, int]:
        """The tiers that there are: since when each is complete, by its step."""
        return {int(name.removeprefix(TIER)): time for name, time in self._marks.items() if name.startswith(TIER)}

    def mark(self, name: str) -> int:
        """A time that the store has noted; 0 where it has not."""
        return self._marks.get(name, 0)

    def read(self, number: int, start: int, end: int) -> Points:
        """Readings of a series, as they were collected."""
        return self._points(number, f"{self._of(number)} AND time >= {at(start)} AND time < {at(end)} ORDER BY time")

    def around(self, number: int, start: int, end: int) -> Points:
        """The same, with the last reading before and the first one after."""
        before = f"{self._of(number)} AND time < {at(start)} ORDER BY time DESC LIMIT 1"
        inside = f"{self._of(number)} AND time >= {at(start)} AND time < {at(end)}"
        after = f"{self._of(number)} AND time >= {at(end)} ORDER BY time LIMIT 1"
        return self._points(number, f"({before}) UNION ALL ({inside}) UNION ALL ({after}) ORDER BY 1")

    def last(self, number: int) -> Point | None:
        """The last reading of a series, or what the tiers know of it."""
        found = self._points(number, f"{self._of(number)} ORDER BY time DESC LIMIT 1")
        if found:
            return next(iter(found))
        query = f"SELECT time, last FROM {{s}}.summaries WHERE series = {number} ORDER BY time DESC, step LIMIT 1"
        return next(map(Point, *self.fetch(query, "td")), None)

    def span(self, number: int) -> tuple[int, int] | None:
        """The times of the first and the last reading of a series."""
        last = self.last(number)
        if last is None:
            return None
        first = next(iter(self._points(number, f"{self._of(number)} ORDER BY time LIMIT 1")), last).time
        query = f"SELECT step, min(time) FROM {{s}}.summaries WHERE series = {number} GROUP BY step"
        return min(
            [first, *(time for step, time in zip(*self.fetch(query, "qt"), strict=True) if time + step <= first)]
        ), last.time

    def events(self, start: int, end: int) -> list[Event]:
        """What happened in a period, in the order of time."""
        query = (
            "SELECT (extract(epoch FROM time) * 1000)::bigint, kind, source, text FROM {s}.events"
            f" WHERE agent = %s AND time >= {at(start)} AND time < {at(end)} ORDER BY time, kind, source, text"
        )
        return [Event(*row) for row in self.run(query, self.agent)]

    def starts(self) -> list[int]:
        """When the collector was started, in the order of time: no reading holds across these."""
        return [event.time for event in self.events(0, EVER) if event.kind == "start"]

    def _of(self, number: int) -> str:
        return f"SELECT {_POINT} FROM {{s}}.readings WHERE series = {number}"

    def _points(self, number: int, query: str) -> Points:
        times, values, rises = self.fetch(query, "tdd")
        return Points(
            array("q", times), array("d", values), array("d", rises if number in self.catalogue.counters else ())
        )


class _SummaryTable:
    """The tiers of one agent."""

    def __init__(self, reader: PostgresReader) -> None:
        self._reader = reader

    def read(self, series: int, step: int, start: int, end: int) -> Iterator[tuple[int, StepSummary]]:
        """Those of the steps that begin from `start` to before `end`, in the order of time."""
        times, *columns = self.read_columns(series, step, start, end, COLUMNS)
        return zip(times, map(StepSummary.from_row, zip(*columns, strict=True)), strict=True)

    def read_columns(self, series: int, step: int, start: int, end: int, names: Sequence[str]) -> Columns:
        """The same, as a column of times and one of each of these numbers."""
        numbers = ", ".join(_MEANS.get(name, name) for name in names)
        query = (
            f"SELECT time, {numbers} FROM {{s}}.summaries WHERE series = {series} AND step = {step}"
            f" AND time >= {at(start)} AND time < {at(end)} ORDER BY time"
        )
        kinds = "t" + "".join(_KINDS.get(name, "d") for name in names)
        return self._reader.fetch(query, kinds)
