"""What an agent keeps in PostgreSQL: written in transactions that another agent, or a repetition, cannot spoil."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector_core.errors import NotAvailable, Reason
from collector_core.history.catalogue import SERIES_COLUMNS, KeptSeries, labels_only_of, series_row
from collector_core.history.interface import DELETED, SUMMED, TIER, Event, HistorySample
from collector_core.history.options import HistoryOptions
from collector_core.history.points import Points
from collector_core.history.postgres import checks
from collector_core.history.postgres.partitions import DAY, FINE, Partitions
from collector_core.history.postgres.reader import SECONDS, PostgresReader
from collector_core.history.postgres.rows import (
    READING_COLUMNS,
    SUMMARY_COLUMNS,
    at,
    encode_readings,
    encode_summary,
    merge,
)
from collector_core.history.postgres.schema import HYPERTABLE, migrate
from collector_core.history.rises import rise
from collector_core.history.tiers import HOUR, Steps, floor_to, periods_to_sum_up, summarize_tiers
from collector_core.model.selector import Selector
from collector_core.storage.errors import StorageError, StorageReason
from collector_core.storage.postgres_copy import copy_to_postgres

if TYPE_CHECKING:
    from psycopg import Connection

SETTLING = 5 * 60_000  # milliseconds after an hour until it is summed up: the first reading after it must be known
MIGRATION_SECONDS = 60.0
LEASE_SECONDS = 60.0  # at least, for which an agent's name is taken after it has written
KEEP = "DO NOTHING"
_KINDS = {'"labels"': "jsonb", '"gap"': "bigint"}  # of columns of series; the others are texts
REPLACE_READINGS = "(series, time) DO UPDATE SET value = excluded.value, rise = excluded.rise"
REPLACE_SUMMARIES = "(series, step, time) DO UPDATE SET " + ", ".join(
    f"{column} = excluded.{column}" for column in SUMMARY_COLUMNS.split(", ")[3:]
)


class PostgresStore(PostgresReader):
    """A `HistoryStore`; `holder` tells this writer from others that call themselves by the same name.

    A writer takes the agent's row first in each transaction: what was begun by a connection that is lost has ended
    before, and whoever else has taken the name meanwhile is found out. `delivered` is the last entry of a queue that is
    here; `stray` how many readings are in no day's table.
    """

    def __init__(
        self, options: HistoryOptions, holder: int, *, timeout: float = SECONDS, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(options, timeout=timeout)
        self.holder = holder
        self.delivered = self.stray = 0
        self._clock = clock
        self._lease = max(LEASE_SECONDS, 3 * options.flush)
        self._partitions = Partitions(options.schema_name)

    def open(self) -> None:
        """Connect, bring the schema up to date, and take the agent's name; raises `StorageError`."""
        with self.using(MIGRATION_SECONDS) as connection:
            checks.require_encoding(connection, self.session.address)
            self._layout = migrate(connection, self.schema, self.session.address)
        with self.using() as connection:
            self.run("INSERT INTO {s}.agents (name) VALUES (%s) ON CONFLICT (name) DO NOTHING", self._name)
            self._take_name()
            self.load()
            self._partitions.forget()
            if self._is_partitioned:
                self._partitions.make_ahead(connection, self._now(), self.steps)

    def release(self) -> None:
        """Let another one have the agent's name at once."""
        with self.changing():
            self.run("UPDATE {s}.agents SET held_until = now() WHERE id = %s", self.agent)

    @property
    def size(self) -> int:
        """How many bytes the tables of all agents take."""
        query = (
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind IN ('r', 'm')"
        )
        ((size,),) = self.run(query, self.schema).fetchall()
        return int(size)

    @contextmanager
    def changing(self) -> Iterator[Connection[Any]]:
        """A transaction of the one that has the agent's name; a failure leaves no trace."""
        known, marks = self.catalogue.copy(), dict(self._marks)
        try:
            with self.using() as connection:
                self._take_name()
                yield connection
        except BaseException:
            self.catalogue.restore(known)
            self._marks, self._revision = marks, -1  # read anew before the next one
            self._partitions.forget()
            raise

    def forget_delivered(self) -> None:
        """Take every entry of the queue for a new one."""
        with self.changing():
            self.run("UPDATE {s}.agents SET delivered = 0 WHERE id = %s", self.agent)
        self.delivered = 0

    def append(self, samples: Sequence[HistorySample], events: Iterable[Event] = ()) -> None:
        """Keep readings and events; they are durable when this returns, and without effect when it raises."""
        self.deliver(samples, list(events))

    def deliver(
        self,
        samples: Sequence[HistorySample],
        events: Sequence[Event],
        entry: int | None = None,
        *,
        unsure: bool = False,
    ) -> None:
        """The same; they are those of a queue up to this `entry`.

        With `unsure` something before was lost: each counter's first rise is from the last reading that is here.
        """
        from psycopg.errors import UniqueViolation

        try:
            self._deliver(samples, events, entry, unsure=unsure, write=self._send_readings)
        except StorageError as error:
            if not isinstance(error.__context__, UniqueViolation):
                raise
            self._deliver(samples, events, entry, unsure=unsure, write=self._merge_readings)

    def put(self, kept: KeptSeries, new: Points, *, replace: bool = False) -> None:
        """Keep readings of any time; with `replace` instead of those at the same times."""
        with self.changing() as connection:
            numbers = self._numbers([kept])
            rows = encode_readings(numbers, (HistorySample(kept, *point) for point in new))
            self._prepare(connection, new.times)
            conflict = REPLACE_READINGS if replace else KEEP
            merge(connection, f"{self._s}.readings", READING_COLUMNS, rows, conflict)
            hours = {floor_to(time, HOUR) for time in new.times}
            self._sum_up(connection, numbers[kept.series.text], kept, hours, self.starts())

    def put_summaries(self, kept: KeptSeries, step: int, new: Steps) -> None:
        """Keep steps of a tier; where there is one already it stays."""
        with self.changing() as connection:
            self._write_summaries(connection, self._numbers([kept])[kept.series.text], step, new, replace=False)

    def seal(self, now: int) -> None:
        """Sum up the hours that are over."""
        with self.using():
            self.refresh()
            since = self.mark(SUMMED)
            until = max(since, floor_to(now - SETTLING, HOUR))
            starts = self.starts()
            hours = self._hours(since, until)
        known = dict(self.catalogue)
        for number in sorted(hours.keys() & known.keys()):  # one by one: a repetition changes nothing
            with self.changing() as connection:
                self._sum_up(connection, number, known[number], hours[number], starts)
                for hour in hours[number]:
                    self.run(f"DELETE FROM {{s}}.late WHERE series = %s AND hour = {at(hour)}", number)
        with self.changing():
            self._set_mark(SUMMED, until)
            for step in self.steps:
                if step not in self.tiers:
                    self._set_mark(f"{TIER}{step}", since)

    def delete_old(self, now: int, keep: Mapping[int, int], retention: int) -> None:
        """Delete what is older than its tier is kept for, by whole days; `keep` by step, that of readings is 0."""
        self.refresh()
        self.delete_readings(now - min(keep.get(0, retention), retention))
        stale = {step for step in self.tiers if step not in keep}
        for step in sorted({*self.steps, *stale}):
            self._delete_steps(step, now - min(keep.get(step, retention), retention))
        with self.changing():
            longest = now - max(retention, *keep.values())
            self.run(f"DELETE FROM {{s}}.events WHERE agent = %s AND time < {at(longest)}", self.agent)

    def delete_readings(self, before: int) -> None:
        """Delete the days before a time, as far as they are summed up."""
        before = floor_to(min(before, self.mark(SUMMED) or before), DAY)
        if before <= self.mark(DELETED):
            return
        with self.changing() as connection:
            self._set_mark(DELETED, before)
            self._drop(connection, "readings", DELETED)
            self.run(f"DELETE FROM {{s}}.readings WHERE time < {at(before)} AND {self._mine}", self.agent)
            self._remove_unused()

    def delete_series(self, selector: Selector, now: int) -> list[str]:
        """Delete series for good, with what events say of them; returns their texts."""
        del now  # nothing waits to be sealed
        self.refresh()
        gone = self.catalogue.select(selector)
        with self.changing():
            numbers = [number for number, _ in gone]
            for table in ("readings", "summaries", "late"):
                self.run(f"DELETE FROM {{s}}.{table} WHERE series = ANY (%s)", numbers)
            self.run("DELETE FROM {s}.series WHERE id = ANY (%s)", numbers)
            self._touch()
            self.load()
            for text in labels_only_of((kept for _, kept in gone), (kept for _, kept in self.catalogue)):
                query = "DELETE FROM {s}.events WHERE agent = %s AND (strpos(text, %s) > 0 OR strpos(text, %s) > 0)"
                self.run(query, self.agent, _storable(text), _storable(json.dumps(text)[1:-1]))
        for table in ("series", "events"):
            self._vacuum(f"VACUUM (FULL) {self._s}.{table}")
        return [kept.series.text for _, kept in gone]

    def shrink(self, now: int) -> None:
        """The server does that by itself."""

    def find_damage(self) -> list[str]:
        """What is wrong with the tables, and with the sums of the tiers."""
        with self.snapshot():
            return checks.find_damage(self)

    def back_up(self, folder: Path) -> Path:
        """The server's tools do that."""
        raise NotAvailable(
            Reason.NOT_SUPPORTED,
            f"{self.session.address}: a database is copied by PostgreSQL's own tools",
            fix=f"pg_dump --schema={self.schema} --format=custom --file={folder / 'history.dump'}",
        )

    def look_after(self, now: int) -> None:
        """Make the tables of the next days, and count what is in none of a day's."""
        with self.changing() as connection:
            if self._is_partitioned:
                self._partitions.make_ahead(connection, now, self.steps)
                self.stray = self._partitions.stray(connection)

    @property
    def _is_partitioned(self) -> bool:
        return self._layout != HYPERTABLE

    @property
    def _mine(self) -> str:
        return f"series IN (SELECT id FROM {self._s}.series WHERE agent = %s)"

    def _now(self) -> int:
        return round(self._clock() * 1000)

    def _take_name(self) -> None:
        """Lock the agent's row; raises `StorageError` where another one has the name."""
        row = self.run(
            "UPDATE {s}.agents SET delivered = CASE WHEN holder = %s THEN delivered ELSE 0 END, holder = %s,"
            " held_until = greatest(held_until, now() + %s * interval '1 s')"
            " WHERE name = %s AND (holder IS NOT DISTINCT FROM %s OR held_until <= now())"
            " RETURNING id, delivered, revision",
            *(self.holder, self.holder, self._lease, self._name, self.holder),
        ).fetchone()
        if row is None:
            detail = f"another process keeps the history of the agent {self._name!r} there"
            raise StorageError(
                self.place, StorageReason.LOCKED, detail, fix="give this one another name: `history.agent`"
            )
        self.agent, self.delivered, revision = row
        if self._revision != revision:
            self.load()
        self._revision = revision

    def _deliver(
        self,
        samples: Sequence[HistorySample],
        events: Sequence[Event],
        entry: int | None,
        *,
        unsure: bool,
        write: Callable[[Connection[Any], Iterable[bytes]], None],
    ) -> None:
        with self.changing() as connection:
            numbers = self._numbers(sample.kept for sample in samples)
            self._prepare(connection, [sample.time for sample in samples])
            found = self._with_rises(samples, numbers, unsure=unsure)
            if found:
                write(connection, encode_readings(numbers, found))
            self._note_late(numbers, samples)
            self._record_events(connection, events)
            if entry is not None:
                self.run("UPDATE {s}.agents SET delivered = %s WHERE id = %s", entry, self.agent)
        self.delivered = self.delivered if entry is None else entry

    def _send_readings(self, connection: Connection[Any], rows: Iterable[bytes]) -> None:
        copy_to_postgres(connection, f"{self._s}.readings", READING_COLUMNS, rows)

    def _merge_readings(self, connection: Connection[Any], rows: Iterable[bytes]) -> None:
        merge(connection, f"{self._s}.readings", READING_COLUMNS, rows, KEEP)

    def _numbers(self, series: Iterable[KeptSeries]) -> dict[str, int]:
        """The numbers of series; new ones get one."""
        found: dict[str, int] = {}
        new: dict[str, KeptSeries] = {}
        for kept in series:
            text = kept.series.text
            if text not in found and text not in new:
                known = self.catalogue.knows(kept)
                if known is None:
                    new[text] = kept
                else:
                    found[text] = known
        return found | self._add_series(new) if new else found

    def _add_series(self, new: Mapping[str, KeptSeries]) -> dict[str, int]:
        names = [f'"{column}"' for column in SERIES_COLUMNS.split(", ")]
        updates = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        rows = {_storable(text): _storable_row(kept) for text, kept in new.items()}
        kinds = ", ".join(f"%s::{_KINDS.get(name, 'text')}[]" for name in names)
        numbers = dict(
            self.run(
                f"INSERT INTO {{s}}.series (agent, {', '.join(names)}) SELECT %s, * FROM unnest({kinds})"
                f" ON CONFLICT (agent, text) DO UPDATE SET {updates} RETURNING text, id",
                *(self.agent, *map(list, zip(*rows.values(), strict=True))),
            ).fetchall()
        )
        self._touch()
        found = {text: int(numbers[_storable(text)]) for text in new}
        for text, number in found.items():
            self.catalogue.add(number, new[text])
        return found

    def _touch(self) -> None:
        """Let readers know that series or marks have changed."""
        query = "UPDATE {s}.agents SET revision = revision + 1 WHERE id = %s RETURNING revision"
        ((self._revision,),) = self.run(query, self.agent).fetchall()

    def _set_mark(self, name: str, moment: int) -> None:
        self.run(
            "INSERT INTO {s}.marks VALUES (%s, %s, %s) ON CONFLICT (agent, name) DO UPDATE SET time = excluded.time",
            *(self.agent, name, moment),
        )
        self._touch()
        self._marks[name] = moment

    def _prepare(self, connection: Connection[Any], times: Iterable[int]) -> None:
        """Make the tables that readings of these times belong into."""
        if self._is_partitioned:
            self._partitions.make(connection, "readings", {floor_to(time, DAY) for time in times}, self._now())

    def _with_rises(
        self, samples: Sequence[HistorySample], numbers: Mapping[str, int], *, unsure: bool
    ) -> list[HistorySample]:
        """The readings, with the rises that were left to be found out."""
        found, before = list[HistorySample](), dict[str, float]()
        for sample in samples:
            text, is_counter = sample.kept.series.text, sample.kept.is_counter
            doubtful = unsure and text not in before and sample.rise != sample.value
            if is_counter and (isnan(sample.rise) or doubtful):
                last = before[text] if text in before else self._last_value(numbers[text])
                sample = sample._replace(rise=rise(last, sample.value))  # noqa: PLW2901
            if is_counter:
                before[text] = sample.value
            found.append(sample)
        return found

    def _last_value(self, number: int) -> float | None:
        last = self.last(number)
        return last.value if last else None

    def _note_late(self, numbers: Mapping[str, int], samples: Sequence[HistorySample]) -> None:
        """Note the hours that have to be summed up again."""
        until = self.mark(SUMMED)
        late = {(numbers[each.kept.series.text], floor_to(each.time, HOUR)) for each in samples if each.time < until}
        for number, hour in sorted(late):
            query = f"INSERT INTO {{s}}.late VALUES (%s, %s, {at(hour)}) ON CONFLICT DO NOTHING"
            self.run(query, self.agent, number)

    def _record_events(self, connection: Connection[Any], events: Sequence[Event]) -> None:
        query = f"INSERT INTO {self._s}.events VALUES (%s, to_timestamp(%s), %s, %s, %s) ON CONFLICT DO NOTHING"
        rows = [(self.agent, time / 1000, *map(_storable, words)) for time, *words in events]
        if rows:
            with connection.cursor() as cursor:
                cursor.executemany(query, rows)

    def _hours(self, since: int, until: int) -> dict[int, set[int]]:
        """The hours of each series that are to be summed up."""
        mine = f"series IN (SELECT id FROM {self._s}.series WHERE agent = {self.agent})"
        queries = (
            f"SELECT DISTINCT series::bigint, date_trunc('hour', time) FROM {{s}}.readings"
            f" WHERE time >= {at(since)} AND time < {at(until)} AND {mine}",
            f"SELECT series::bigint, hour FROM {{s}}.late WHERE agent = {self.agent} AND hour < {at(until)}",
        )
        found: dict[int, set[int]] = {}
        for query in queries:
            for number, hour in zip(*self.fetch(query, "qt"), strict=True):
                found.setdefault(number, set()).add(hour)
        return found

    def _sum_up(
        self, connection: Connection[Any], number: int, kept: KeptSeries, hours: set[int], starts: Sequence[int]
    ) -> None:
        """Make the summaries of whole hours."""
        deleted = self.mark(DELETED)
        for start, end in periods_to_sum_up(hours, deleted):
            readings = self.around(number, start, end)
            for step, found in summarize_tiers(readings, self.steps, start, end, gap=kept.gap, breaks=starts):
                self._write_summaries(connection, number, step, found, replace=start >= deleted)

    def _write_summaries(
        self, connection: Connection[Any], number: int, step: int, new: Steps, *, replace: bool
    ) -> None:
        if not new:
            return
        if self._is_partitioned:
            self._partitions.make_tier(connection, step)
            if step < FINE:
                days = {floor_to(time, DAY) for time in new}
                self._partitions.make(connection, f"summaries_{step}", days, self._now())
        rows = [encode_summary(number, step, time, summary) for time, summary in new.items()]
        merge(connection, f"{self._s}.summaries", SUMMARY_COLUMNS, rows, REPLACE_SUMMARIES if replace else KEEP)

    def _delete_steps(self, step: int, before: int) -> None:
        before = floor_to(before, DAY)
        if step not in self.tiers or before <= self.tiers[step]:
            return
        with self.changing() as connection:
            mark = f"{TIER}{step}"
            self._set_mark(mark, before)
            if self._is_partitioned and step < FINE:
                self._partitions.drop(connection, f"summaries_{step}", mark)
            self.run(
                f"DELETE FROM {{s}}.summaries WHERE step = %s AND time < {at(before)} AND {self._mine}",
                step,
                self.agent,
            )
            self._remove_unused()

    def _drop(self, connection: Connection[Any], table: str, mark: str) -> None:
        if self._is_partitioned:
            self._partitions.drop(connection, table, mark)

    def _remove_unused(self) -> None:
        """Delete series of which there is nothing any more."""
        gone = self.run(
            "DELETE FROM {s}.series s WHERE agent = %s AND NOT EXISTS (SELECT FROM {s}.readings WHERE series = s.id)"
            " AND NOT EXISTS (SELECT FROM {s}.summaries WHERE series = s.id)",
            self.agent,
        )
        if gone.rowcount:
            self._touch()
            self.load()

    def _vacuum(self, statement: str) -> None:
        self.session.execute(statement, SECONDS)


def _storable_row(kept: KeptSeries) -> list[str | int]:
    labels = {name: _storable(value) for name, value in kept.series.labels.items()}
    row = [value if isinstance(value, int) else _storable(value) for value in series_row(kept)]
    row[SERIES_COLUMNS.split(", ").index("labels")] = json.dumps(labels)
    return row


def _storable(text: str) -> str:
    """What a text of PostgreSQL can hold of it: no NUL, and no half of a character."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()
