"""Blocks of readings and of summaries: compressed columns of one series, a row each.

A damaged block is left out, and does not take the others with it; `damaged` finds them.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby

from collector_core.history import codec, points
from collector_core.history.interface import EVER, Columns
from collector_core.history.points import Point, Points
from collector_core.history.tiers import COLUMNS, HOUR, MEAN, Steps, StepSummary, floor_to, mean_of
from collector_core.storage.sqlite import Database

log = logging.getLogger(__name__)

DAY = 24 * HOUR
SPAN = DAY  # of a compacted block: SQLite's pages waste less of one for a day than of four for six hours
STEPS_PER_BLOCK = 720
ENOUGH = 180  # readings of a block of an hour: one with so many is not written anew for more
MAX_TIMES_KEPT = 256  # decoded columns of times; many series share each

_OVERLAPPING = "b.series = ? AND b.start < ? AND b.end >= ?"


class TimeColumns:
    """Columns of times, each stored once however many blocks have it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[int, array[int]] = {}
        self._stored: dict[bytes, int] = {}  # the numbers of the columns that were stored last
        self._released: set[int] | None = None  # None: nobody knows which

    def store(self, connection: sqlite3.Connection, times: Sequence[int]) -> int:
        """The number of a column with these times."""
        key = array("q", times).tobytes()
        if key not in self._stored:
            if len(self._stored) >= MAX_TIMES_KEPT:
                self._stored.clear()
            self._stored[key] = self._store(connection, times)
        return self._stored[key]

    def _store(self, connection: sqlite3.Connection, times: Sequence[int]) -> int:
        data = codec.encode_integers(times, codec.SMALL)
        digest = _digest(data)
        connection.execute("INSERT OR IGNORE INTO times (digest, data) VALUES (?, ?)", (digest, data))
        (number,) = connection.execute("SELECT id FROM times WHERE digest = ?", (digest,)).fetchone()
        return int(number)

    def load(self, number: int) -> array[int]:
        """The column of this number; raises `ValueError` where it is damaged or missing."""
        if number not in self._kept:
            rows = self._database.rows("SELECT digest, data FROM times WHERE id = ?", (number,))
            if not rows or _digest(rows[0][1]) != rows[0][0]:
                raise ValueError("damaged: its times are missing or not what they were")
            if len(self._kept) >= MAX_TIMES_KEPT:
                self._kept.clear()
            self._kept[number] = array("q", codec.decode_integers(rows[0][1]))
        return self._kept[number]

    def forget(self) -> None:
        """Numbers may be given anew: unused columns were removed, or the file was replaced."""
        self._kept.clear()
        self._stored.clear()
        self._released = None

    def delete_blocks(self, connection: sqlite3.Connection, where: str, values: Sequence[int]) -> int:
        """Delete blocks, `where` is a table and a condition; returns how many. Their columns may be unused then."""
        released = [number for (number,) in connection.execute(f"DELETE FROM {where} RETURNING times", values)]  # noqa: S608
        if self._released is not None:
            self._released.update(released)
        return len(released)

    def remove_unused(self, connection: sqlite3.Connection) -> bool:
        """Delete the columns that no block has any more; returns whether any block was deleted since the last time."""
        if self._released == set():
            return False
        unused = (
            "NOT EXISTS (SELECT 1 FROM blocks WHERE blocks.times = times.id) "
            "AND NOT EXISTS (SELECT 1 FROM summaries WHERE summaries.times = times.id)"
        )
        if self._released is None:
            connection.execute(f"DELETE FROM times WHERE {unused}")  # noqa: S608
        else:
            rows = [(number,) for number in sorted(self._released)]
            connection.executemany(f"DELETE FROM times WHERE id = ? AND {unused}", rows)  # noqa: S608
        self._kept.clear()
        self._stored.clear()
        self._released = set()
        return True


class Blocks:
    """The readings as they were collected: a block of each series for an hour, and for a span once that is over."""

    def __init__(self, database: Database, times: TimeColumns) -> None:
        self._database = database
        self._times = times

    def read(self, series: int, start: int, end: int) -> Points:
        """Readings from `start` to before `end`."""
        query = f"SELECT b.start, b.times, b.data FROM blocks b WHERE {_OVERLAPPING} ORDER BY b.start"  # noqa: S608
        found = Points()
        for first, times, data in self._database.rows(query, (series, end, start)):
            with _damage_logged(series, first):
                known = self._times.load(times)
                inside = bisect_left(known, start), bisect_left(known, end)
                found = found.extended(points.decode(known, data, *inside))
        return found

    def damaged(self) -> Iterator[str]:
        """What is wrong with each damaged block."""
        for number, start, times, data in self._database.rows("SELECT series, start, times, data FROM blocks"):
            try:
                points.decode(self._times.load(times), data)
            except ValueError as error:
                yield f"readings of series {number} from {start}: {error}"

    def last_before(self, series: int, time: int) -> Point | None:
        """The last reading before a time."""
        query = "SELECT max(start) FROM blocks WHERE series = ? AND start < ?"
        ((start,),) = self._database.rows(query, (series, time))
        if start is None:
            return None
        found = self.read(series, start, time)
        return found.point(-1) if found else None

    def first_from(self, series: int, time: int) -> Point | None:
        """The first reading at a time or later."""
        query = "SELECT min(end) FROM blocks WHERE series = ? AND end >= ?"
        ((end,),) = self._database.rows(query, (series, time))
        return None if end is None else next(iter(self.read(series, time, end + 1)), None)

    def delete(self, connection: sqlite3.Connection, before: int) -> int:
        """Delete the blocks that end before a time; returns how many there were."""
        return self._times.delete_blocks(connection, "blocks WHERE end < ?", (before,))

    def cut(self, connection: sqlite3.Connection, before: int, most: int) -> int:
        """Shorten blocks that a time is inside of by what is before it, at most so many; returns how many."""
        query = "SELECT series, start, end FROM blocks WHERE start < ?1 AND end >= ?1 LIMIT ?2"
        count = 0
        for series, start, end in self._database.rows(query, (before, most)):
            count += 1
            if rest := self.read(series, before, end + 1):
                self._write(connection, series, start, end + 1, rest, codec.SMALL)
            else:  # it is damaged
                self._times.delete_blocks(connection, "blocks WHERE series = ? AND start = ?", (series, start))
        return count

    def put(
        self, connection: sqlite3.Connection, series: int, new: Points, *, replace: bool = False, over: int = 0
    ) -> None:
        """Add readings; where there is one at the same time it stays, or with `replace` goes.

        Spans that end before `over` are compacted at once.
        """
        for start, end in self._ranges(series, new.times, over):
            part = new.between(start, end)
            level = codec.FAST if end - start == HOUR else codec.SMALL
            first = self._first_to_change(series, start, part.times[0]) if end - start == HOUR else start
            old = self.read(series, first, end)
            whole = part.merged(old) if replace else old.merged(part)
            if whole != old:
                self._write(connection, series, first, end, whole, level)

    def compact(self, connection: sqlite3.Connection, series: int, start: int) -> None:
        """Put the blocks of a span together, as small as they get; what is damaged of them goes."""
        whole = self.read(series, start, start + SPAN)
        if whole:
            self._write(connection, series, start, start + SPAN, whole, codec.SMALL)
        else:
            self._delete_between(connection, series, start, start + SPAN)

    def spans_to_compact(self, until: int) -> list[tuple[int, int]]:
        """Series and start of every span before `until` that is more than one block."""
        query = (
            "SELECT series, start / ?1 * ?1 AS span FROM blocks WHERE start / ?1 * ?1 + ?1 <= ?2 "
            "GROUP BY series, span HAVING count(*) > 1 ORDER BY span, series"
        )
        return [(series, start) for series, start in self._database.rows(query, (SPAN, until))]

    def _ranges(self, series: int, times: Sequence[int], over: int) -> Iterator[tuple[int, int]]:
        """What each of the blocks covers that readings of these times belong to."""
        place = 0
        while place < len(times):
            span = floor_to(times[place], SPAN)
            is_over = span + SPAN <= over
            start, end = (span, span + SPAN) if is_over else self._span(series, floor_to(times[place], HOUR))
            yield start, end
            place = bisect_left(times, end, place)

    def _span(self, series: int, hour: int) -> tuple[int, int]:
        """What the block that a reading of this hour belongs to covers: the span where that is compacted already."""
        span = floor_to(hour, SPAN)
        query = "SELECT start, end FROM blocks WHERE series = ? AND start >= ? AND start < ? ORDER BY start LIMIT 1"
        rows = self._database.rows(query, (series, span, span + SPAN))  # the only one where it is compacted
        is_compacted = any(floor_to(start, HOUR) != floor_to(end, HOUR) for start, end in rows)
        return (span, span + SPAN) if is_compacted else (hour, hour + HOUR)

    def _first_to_change(self, series: int, hour: int, time: int) -> int:
        """From which time on an hour is written anew for readings that begin at `time`.

        What comes behind all others goes into the last block, or into a new one where that has enough.
        """
        inside = "series = ? AND start >= ? AND start < ?"
        query = f"SELECT start, end, times FROM blocks WHERE {inside} ORDER BY start DESC LIMIT 1"  # noqa: S608
        for start, end, times in self._database.rows(query, (series, hour, hour + HOUR)):
            if end < time:
                with suppress(ValueError):  # damaged
                    return time if len(self._times.load(times)) >= ENOUGH else int(start)
        return hour

    def _write(
        self, connection: sqlite3.Connection, series: int, start: int, end: int, whole: Points, level: int
    ) -> None:
        self._delete_between(connection, series, start, end)
        row = (series, whole.times[0], whole.times[-1], self._times.store(connection, whole.times))
        data = points.encode(whole, level)
        connection.execute("INSERT INTO blocks (series, start, end, times, data) VALUES (?, ?, ?, ?, ?)", (*row, data))

    def _delete_between(self, connection: sqlite3.Connection, series: int, start: int, end: int) -> None:
        """Delete the blocks that begin from `start` to before `end`."""
        where = "blocks WHERE series = ? AND start >= ? AND start < ?"
        self._times.delete_blocks(connection, where, (series, start, end))


class SummaryBlocks:
    """The tiers: summaries of each series by step, `STEPS_PER_BLOCK` steps a block."""

    def __init__(self, database: Database, times: TimeColumns) -> None:
        self._database = database
        self._times = times

    def read(self, series: int, step: int, start: int, end: int) -> Iterator[tuple[int, StepSummary]]:
        """Those of the steps that begin from `start` to before `end`, in the order of time."""
        times, *columns = self.read_columns(series, step, start, end, COLUMNS)
        return zip(times, map(StepSummary.from_row, zip(*columns, strict=True)), strict=True)

    def read_columns(self, series: int, step: int, start: int, end: int, names: Sequence[str]) -> Columns:
        """The same, as a column of times and one of each of these numbers; decodes nothing else."""
        query = f"SELECT b.start, b.times, b.data FROM summaries b WHERE b.step = ? AND {_OVERLAPPING} ORDER BY b.start"  # noqa: S608
        found: Columns = [[] for _ in ("time", *names)]
        for first, times, data in self._database.rows(query, (step, series, end, start)):
            with _damage_logged(series, first):
                for column, more in zip(found, self._decode(times, data, names, start, end), strict=True):
                    column.extend(more)
        return found

    def damaged(self) -> Iterator[str]:
        """What is wrong with each damaged block."""
        for number, start, times, data in self._database.rows("SELECT series, start, times, data FROM summaries"):
            try:
                self._decode(times, data, COLUMNS, 0, EVER)
            except ValueError as error:
                yield f"summaries of series {number} from {start}: {error}"

    def delete(self, connection: sqlite3.Connection, step: int, before: int) -> int:
        """Delete the blocks of a tier that end before a time; returns how many there were."""
        return self._times.delete_blocks(connection, "summaries WHERE step = ? AND end < ?", (step, before))

    def cut(self, connection: sqlite3.Connection, step: int, before: int, most: int) -> int:
        """Shorten blocks of a tier that a time is inside of by what is before it, at most so many; returns how many.

        With what is behind them in their span: older versions made several blocks of it.
        """
        query = "SELECT series FROM summaries WHERE step = ?1 AND start < ?2 AND end >= ?2 LIMIT ?3"
        span = step * STEPS_PER_BLOCK
        start, count = floor_to(before, span), 0
        for (series,) in self._database.rows(query, (step, before, most)):
            count += 1
            if rest := dict(self.read(series, step, before, start + span)):
                self._write(connection, series, step, start, rest)
            else:  # it is damaged
                where = "summaries WHERE series = ? AND step = ? AND start < ? AND end >= ?"
                self._times.delete_blocks(connection, where, (series, step, before, before))
        return count

    def put(self, connection: sqlite3.Connection, series: int, step: int, new: Steps, *, replace: bool) -> None:
        """Add steps; where there is one already it goes with `replace`, and stays without."""
        span = step * STEPS_PER_BLOCK
        for start, keys in groupby(sorted(new), lambda time: floor_to(time, span)):
            part = {key: new[key] for key in keys}
            old = dict(self.read(series, step, start, start + span))
            self._write(connection, series, step, start, (old | part) if replace else (part | old))

    def _decode(
        self, number: int, data: bytes, names: Sequence[str], start: int, end: int
    ) -> list[Sequence[int] | Sequence[float]]:
        times, stored = self._times.load(number), codec.split_columns(data)
        if len(stored) != len(COLUMNS):
            raise ValueError("damaged: a column is missing")
        columns = [times, *(_means(stored) if name == MEAN else _decode_column(stored, name) for name in names)]
        if any(len(column) != len(times) for column in columns):
            raise ValueError("damaged: its columns differ in length")
        first, behind = bisect_left(times, start), bisect_left(times, end)
        return [column[first:behind] for column in columns]

    def _write(self, connection: sqlite3.Connection, series: int, step: int, start: int, steps: Steps) -> None:
        times = sorted(steps)
        columns = zip(*(steps[time].row for time in times), strict=True)
        data = codec.join_columns(codec.encode_numbers(column, codec.SMALL) for column in columns)
        span = (series, step, start, start + step * STEPS_PER_BLOCK)
        where = "summaries WHERE series = ? AND step = ? AND start >= ? AND start < ?"
        self._times.delete_blocks(connection, where, span)
        row = (series, step, times[0], times[-1], self._times.store(connection, times), data)
        connection.execute(
            "INSERT INTO summaries (series, step, start, end, times, data) VALUES (?, ?, ?, ?, ?, ?)", row
        )


def _decode_column(stored: Sequence[memoryview], name: str) -> array[float]:
    return codec.decode_numbers(stored[COLUMNS.index(name)])


def _means(stored: Sequence[memoryview]) -> Sequence[float]:
    """What `mean_of` says of each step. Integers are divided where that is possible, which is exact and fast."""
    covered = _decode_column(stored, "covered")
    last = _decode_column(stored, "last") if 0 in covered else covered
    decimals = codec.decode_decimals(stored[COLUMNS.index("integral")])
    if decimals is None:
        return list(map(mean_of, covered, _decode_column(stored, "integral"), last))
    places, integrals = decimals
    unit = 10**places
    if len(set(covered)) == 1 and covered[0]:
        divisor = int(covered[0]) * unit
        return [each * 1000 / divisor for each in integrals]
    rows = zip(integrals, map(int, covered), last, strict=True)
    return [each * 1000 / (held * unit) if held else value for each, held, value in rows]


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


@contextmanager
def _damage_logged(series: int, start: int) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        log.error("history: a block of series %d from %d is left out: %s", series, start, error)  # noqa: TRY400
