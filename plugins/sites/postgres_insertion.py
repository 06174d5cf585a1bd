"""How readings get into PostgreSQL: all of a batch at once, the first of several that are the same."""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cache
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

from collector_core.storage import StorageError, StorageReason, copy_to_postgres, postgres_time
from collector_plugins.sites.known import Known
from collector_plugins.sites.postgres_hours import mark_stale
from collector_plugins.sites.reading import Reading
from collector_plugins.sites.store import HOUR, hour_of, row_of

if TYPE_CHECKING:
    from psycopg import Connection

_COLUMNS = 'meter, time, "interval", power, total, hashrate, extra'
_ID_COLUMNS = "site, meter, time, id"
_ID_HEAD, _LENGTH, _NULL = struct.Struct(">hiiiiiq"), struct.Struct(">i"), b"\xff" * 4
_MOMENT = "to_timestamp(i.time / 1000.0::float8)"
_KNOWN_TIMES = f"""
    SELECT i.place FROM unnest(%s::integer[], %s::bigint[]) WITH ORDINALITY AS i (meter, time, place)
    JOIN sites.reading r ON r.meter = i.meter AND r.time = {_MOMENT}
"""
_KNOWN_IDS = """
    SELECT i.place FROM unnest(%s::integer[], %s::text[]) WITH ORDINALITY AS i (site, id, place)
    JOIN sites.reading_id k ON k.site = i.site AND k.id = i.id
"""
# A total changes the energy of the next one, and of what lies between it and its neighbours without one.
_NEIGHBOURS = f"""
    WITH edge AS (
        SELECT i.site, i.meter, {_MOMENT} AS time, before.time AS start, after.time AS stop
        FROM unnest(%s::integer[], %s::integer[], %s::bigint[]) AS i (site, meter, time)
        LEFT JOIN LATERAL (
            SELECT r.time FROM sites.reading r WHERE r.meter = i.meter AND r.total IS NOT NULL AND r.time < {_MOMENT}
            ORDER BY r.time DESC LIMIT 1) before ON true
        LEFT JOIN LATERAL (
            SELECT r.time FROM sites.reading r WHERE r.meter = i.meter AND r.total IS NOT NULL AND r.time > {_MOMENT}
            ORDER BY r.time LIMIT 1) after ON true
    ), changed AS (
        SELECT site, stop AS time FROM edge WHERE stop IS NOT NULL
        UNION
        SELECT e.site, r.time FROM edge e JOIN sites.reading r ON r.meter = e.meter AND r.total IS NULL
            AND r.time > coalesce(e.start, e.time) AND r.time < coalesce(e.stop, e.time)
    )
    SELECT DISTINCT site, (((extract(epoch FROM time) * 1000)::bigint - 1) / {HOUR})::integer FROM changed
"""


class Insertion:
    """Puts readings into the tables, and marks the hours that they change, in the transaction of the only writer."""

    def __init__(self, connection: Connection[Any], known: Known, address: str) -> None:
        self._connection = connection
        self._known = known
        self._address = address

    def insert(self, readings: Sequence[Reading]) -> list[bool]:
        """Whether each was new."""
        batch = _Batch(self._numbers(readings), readings)
        new = batch.firsts()
        if self._known.repeats or not self._are_kept(batch.chosen(new)):
            repeats = self._repeats(batch)
            new = batch.firsts(repeats)
            self._keep(batch.chosen(new))
            self._known.repeats = bool(repeats)
        self._mark(batch.chosen(new))
        return new

    def _numbers(self, readings: Sequence[Reading]) -> list[tuple[int, int]]:
        """The numbers of each one's site and meter."""
        names = [(reading.site_id, reading.meter) for reading in readings]
        if missing := set(names) - self._known.meters.keys():
            sites = self._find_sites({site for site, _ in missing})
            self._find_meters(sites, missing)
        return list(map(self._known.meters.__getitem__, names))

    def _find_sites(self, ids: set[str]) -> dict[str, int]:
        query = "SELECT id, number FROM sites.site WHERE id = ANY (%s)"
        found: dict[str, int] = dict(self._connection.execute(query, (sorted(ids),)).fetchall())
        if missing := sorted(ids - found.keys()):
            detail = f"the site {missing[0]!r} is no longer in the database"
            raise StorageError(self._address, StorageReason.FAILED, detail, fix="register it again")
        return found

    def _find_meters(self, sites: Mapping[str, int], wanted: Iterable[tuple[str, str]]) -> None:
        ids = {number: site for site, number in sites.items()}
        keys = sorted((sites[site], name) for site, name in wanted)
        columns = [list(column) for column in zip(*keys, strict=True)]
        self._connection.execute(
            "INSERT INTO sites.meter (site, name) SELECT * FROM unnest(%s::integer[], %s::text[])"
            " ON CONFLICT (site, name) DO NOTHING",
            columns,
        )
        query = (
            "SELECT site, name, number FROM sites.meter JOIN unnest(%s::integer[], %s::text[]) AS w (site, name)"
            " USING (site, name)"
        )
        for site, name, number in self._connection.execute(query, columns):
            self._known.meters[ids[site], name] = (site, number)

    def _are_kept(self, new: _Batch) -> bool:
        """Keep all, without looking for them first; where one of them is there, nothing of them is kept."""
        from psycopg import errors  # noqa: PLC0415 - large, and needed only where there is a database

        try:
            with self._connection.transaction():
                self._keep(new)
        except errors.UniqueViolation:
            return False
        return True

    def _repeats(self, batch: _Batch) -> set[int]:
        """The places of readings whose time, or id, is there."""
        readings = batch.readings
        times = [[meter for _, meter in batch.numbers], [reading.timestamp for reading in readings]]
        places = [place for (place,) in self._connection.execute(_KNOWN_TIMES, times)]
        if any(reading.id is not None for reading in readings):
            ids = [[site for site, _ in batch.numbers], [reading.id for reading in readings]]
            places += [place for (place,) in self._connection.execute(_KNOWN_IDS, ids)]
        return {place - 1 for place in places}

    def _keep(self, new: _Batch) -> None:
        copy_to_postgres(self._connection, "sites.reading", _COLUMNS, map(_encoded, new.numbers, new.readings))
        ids = [
            _encoded_id(numbers, reading.timestamp, reading.id)
            for numbers, reading in zip(new.numbers, new.readings, strict=True)
            if reading.id is not None
        ]
        if ids:
            copy_to_postgres(self._connection, "sites.reading_id", _ID_COLUMNS, ids)

    def _mark(self, new: _Batch) -> None:
        stale = {
            (site, hour_of(reading.timestamp)) for (site, _), reading in zip(new.numbers, new.readings, strict=True)
        }
        totals = [
            (*numbers, reading.timestamp)
            for numbers, reading in zip(new.numbers, new.readings, strict=True)
            if reading.energy_kwh is not None
        ]
        if totals:
            columns = [list(column) for column in zip(*totals, strict=True)]
            stale.update((site, hour) for site, hour in self._connection.execute(_NEIGHBOURS, columns))
        mark_stale(self._connection, stale)


class _Batch(NamedTuple):
    """Readings, and the numbers of each one's site and meter."""

    numbers: Sequence[tuple[int, int]]
    readings: Sequence[Reading]

    def firsts(self, repeats: Container[int] = ()) -> list[bool]:
        """Whether each is no repeat: of one that is there, at these places, or of one before it that is none."""
        times, ids = set[tuple[int, int]](), set[tuple[int, str]]()
        new: list[bool] = []
        for place, ((site, meter), reading) in enumerate(zip(self.numbers, self.readings, strict=True)):
            time, name = (meter, reading.timestamp), (site, reading.id) if reading.id is not None else None
            is_new = not (place in repeats or time in times or name in ids)
            new.append(is_new)
            if is_new:
                times.add(time)
                if name is not None:
                    ids.add(name)
        return new

    def chosen(self, which: Sequence[bool]) -> _Batch:
        """Some of them."""
        if all(which):
            return self
        return _Batch(list(compress(self.numbers, which)), list(compress(self.readings, which)))


def _encoded(numbers: tuple[int, int], reading: Reading) -> bytes:
    """A row of `_COLUMNS`, each value after its length."""
    _, interval, *measured, extra = row_of(reading)
    values = [part for value in measured for part in ((-1,) if value is None else (8, value))]
    layout = _layout(tuple(value is not None for value in measured))
    row = layout.pack(7, 4, numbers[1], 8, postgres_time(reading.timestamp), 4, interval, *values)
    return row + (_NULL if extra is None else _text(extra))


@cache
def _layout(are_known: tuple[bool, ...]) -> struct.Struct:
    """A row up to its measured values, of which these are known."""
    return struct.Struct(">hiiiqii" + "".join("id" if is_known else "i" for is_known in are_known))


def _encoded_id(numbers: tuple[int, int], moment: int, name: str) -> bytes:
    """A row of `_ID_COLUMNS`."""
    site, meter = numbers
    return _ID_HEAD.pack(4, 4, site, 4, meter, 8, postgres_time(moment)) + _text(name)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH.pack(len(encoded)) + encoded
