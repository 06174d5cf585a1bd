"""How readings get into PostgreSQL: all of a batch at once, the first of several that are the same."""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from typing import TYPE_CHECKING, Any

from collector_core.storage import StorageError, StorageReason, copy_to_postgres, postgres_time
from collector_plugins.sites.known import Known
from collector_plugins.sites.postgres_hours import mark_stale
from collector_plugins.sites.reading import Reading, extra_of
from collector_plugins.sites.store import HOUR, hour_of, interval_of

if TYPE_CHECKING:
    from psycopg import Connection

_COLUMNS = 'meter, time, "interval", power, total, hashrate, extra'
_ID_COLUMNS = "site, meter, time, id"
_HEAD, _ID_HEAD = struct.Struct(">hiiiqii"), struct.Struct(">hiiiiiq")  # a row up to its first value that may be NULL
_DOUBLE, _LENGTH, _NULL = struct.Struct(">id"), struct.Struct(">i"), b"\xff" * 4
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
        batch = self._numbered(readings)
        new = batch.firsts()
        if self._known.repeats or not self._are_kept(batch.chosen(new)):
            repeats = self._repeats(batch)
            new = batch.firsts(repeats)
            self._keep(batch.chosen(new))
            self._known.repeats = bool(repeats)
        self._mark(batch.chosen(new))
        return new

    def _numbered(self, readings: Sequence[Reading]) -> _Batch:
        known = self._known.meters
        if missing := {(reading.site_id, reading.meter) for reading in readings} - known.keys():
            found = self._find_sites({site for site, _ in missing})
            self._find_meters(found, missing)
        numbers = [known[reading.site_id, reading.meter] for reading in readings]
        sites, meters = [site for site, _ in numbers], [meter for _, meter in numbers]
        return _Batch(readings, sites, meters, [reading.timestamp for reading in readings])

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
        found = self._connection.execute(_KNOWN_TIMES, [batch.meters, batch.times]).fetchall()
        if any(reading.id is not None for reading in batch.readings):
            ids = [reading.id for reading in batch.readings]
            found += self._connection.execute(_KNOWN_IDS, [batch.sites, ids]).fetchall()
        return {place - 1 for (place,) in found}

    def _keep(self, new: _Batch) -> None:
        copy_to_postgres(self._connection, "sites.reading", _COLUMNS, new.rows())
        if ids := list(new.id_rows()):
            copy_to_postgres(self._connection, "sites.reading_id", _ID_COLUMNS, ids)

    def _mark(self, new: _Batch) -> None:
        stale = set(zip(new.sites, map(hour_of, new.times), strict=True))
        totals = new.chosen([reading.energy_kwh is not None for reading in new.readings])
        if totals.readings:
            columns = [totals.sites, totals.meters, totals.times]
            stale.update((site, hour) for site, hour in self._connection.execute(_NEIGHBOURS, columns))
        mark_stale(self._connection, stale)


@dataclass(frozen=True)
class _Batch:
    """Readings, the numbers of each one's site and meter, and its time."""

    readings: Sequence[Reading]
    sites: list[int]
    meters: list[int]
    times: list[int]

    def firsts(self, repeats: Container[int] = ()) -> list[bool]:
        """Whether each is no repeat: of one that is there, at these places, or of one before it that is none."""
        times, ids = set[tuple[int, int]](), set[tuple[int, str]]()
        new: list[bool] = []
        for place, reading in enumerate(self.readings):
            time = self.meters[place], self.times[place]
            name = (self.sites[place], reading.id) if reading.id is not None else None
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
        numbers = (list(compress(column, which)) for column in (self.sites, self.meters, self.times))
        return _Batch(list(compress(self.readings, which)), *numbers)

    def rows(self) -> Iterator[bytes]:
        """The rows of `_COLUMNS`, each value after its length."""
        intervals = map(interval_of, self.readings)
        moments = map(postgres_time, self.times)
        columns = (
            map(_HEAD.pack, repeat(7), repeat(4), self.meters, repeat(8), moments, repeat(4), intervals),
            _doubles(reading.power_watts for reading in self.readings),
            _doubles(reading.energy_kwh for reading in self.readings),
            _doubles(reading.hashrate_th for reading in self.readings),
            (_NULL if extra is None else _text(extra) for extra in map(extra_of, self.readings)),
        )
        return map(b"".join, zip(*columns, strict=True))

    def id_rows(self) -> Iterator[bytes]:
        """The rows of `_ID_COLUMNS`."""
        for reading, site, meter, moment in zip(self.readings, self.sites, self.meters, self.times, strict=True):
            if reading.id is not None:
                yield _ID_HEAD.pack(4, 4, site, 4, meter, 8, postgres_time(moment)) + _text(reading.id)


def _doubles(values: Iterable[float | None]) -> Iterator[bytes]:
    return (_NULL if value is None else _DOUBLE.pack(8, value) for value in values)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH.pack(len(encoded)) + encoded
