"""The embedded store: one SQLite file, which works without a server."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from collector_core.storage import Database, Schema, StorageError, StorageReason
from collector_plugins.sites import plain_runs, sqlite_hours
from collector_plugins.sites.digests import digests_of
from collector_plugins.sites.known import Known
from collector_plugins.sites.plain_runs import Run
from collector_plugins.sites.reading import Reading
from collector_plugins.sites.site import BEGINNING, Change, Site, chosen, sites_from
from collector_plugins.sites.store import (
    HOUR,
    GridHour,
    HourMeans,
    Latest,
    Line,
    MeterRows,
    Piece,
    Row,
    SiteExistsError,
    SiteMeans,
    SiteSum,
    Total,
    hour_of,
    row_of,
)

SCHEMA = Schema(
    [
        [
            "CREATE TABLE site (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT",
            "CREATE TABLE change (site INTEGER NOT NULL, valid_from INTEGER NOT NULL, keys TEXT NOT NULL,"
            " PRIMARY KEY (site, valid_from)) STRICT",
            "CREATE TABLE meter (number INTEGER PRIMARY KEY, site INTEGER NOT NULL, name TEXT NOT NULL,"
            " UNIQUE (site, name)) STRICT",
            "CREATE TABLE reading (meter INTEGER NOT NULL, time INTEGER NOT NULL, interval INTEGER NOT NULL,"
            " power REAL, total REAL, hashrate REAL, extra TEXT, PRIMARY KEY (meter, time)) STRICT, WITHOUT ROWID",
            "CREATE INDEX reading_total ON reading (meter, time) WHERE total IS NOT NULL",
            "CREATE TABLE reading_id (site INTEGER NOT NULL, id TEXT NOT NULL, meter INTEGER NOT NULL,"
            " time INTEGER NOT NULL, PRIMARY KEY (site, id)) STRICT, WITHOUT ROWID",
            *sqlite_hours.STATEMENTS,
            "CREATE TABLE deleted (before INTEGER NOT NULL) STRICT",
        ],
        [
            "CREATE TABLE grid_hour (zone TEXT NOT NULL, hour INTEGER NOT NULL, grams REAL NOT NULL,"
            " origin TEXT NOT NULL, PRIMARY KEY (zone, hour)) STRICT, WITHOUT ROWID",
        ],
        ["CREATE INDEX reading_id_time ON reading_id (time)"],
        sqlite_hours.DIGESTS,
    ],
    salvage=("site", "change", "meter", "reading", "reading_id", "grid_hour", *sqlite_hours.TABLES),
)
_READING = "time, interval, power, total, hashrate, extra"
_LINES = f"""
    SELECT site, name, (time - 1) / {HOUR}, {_READING} FROM meter CROSS JOIN reading ON meter = number
    WHERE site IN (SELECT value FROM json_each(?)) AND time > ? AND time <= ? ORDER BY site, name, time
"""  # noqa: S608
_TOTAL_BEFORE = (
    "SELECT time, total FROM reading WHERE meter = ? AND time <= ? AND total IS NOT NULL ORDER BY time DESC LIMIT 1"
)
_OLD_READINGS = """
    DELETE FROM reading WHERE (meter, time) IN (
        SELECT meter, time FROM meter CROSS JOIN reading ON meter = number AND time <= ? LIMIT ?)
"""
_OLD_IDS = "DELETE FROM reading_id WHERE (site, id) IN (SELECT site, id FROM reading_id WHERE time <= ? LIMIT ?)"

_RUNS = f"""
    WITH chosen AS MATERIALIZED (
        SELECT site, number, EXISTS (
            SELECT 1 FROM meter o JOIN reading t INDEXED BY reading_total ON t.meter = o.number
            WHERE o.site = m.site AND t.total IS NOT NULL) AS has_totals
        FROM meter m WHERE site IN (SELECT value FROM json_each(?)))
    SELECT {plain_runs.COLUMNS} FROM chosen CROSS JOIN reading ON meter = number
    WHERE time > ? AND time <= ? GROUP BY {plain_runs.GROUPS} ORDER BY max(time)
"""  # noqa: S608


class SqliteStore:
    """`Store` in a file; with `read_only` beside the one that writes."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._database = Database(path, SCHEMA, exclusive=not read_only, read_only=read_only)
        self._hours = sqlite_hours.HourTables(self._database)
        self._known = Known()
        self._known_of = 0  # which of the database's connections; 0: none

    @property
    def waiting(self) -> int:
        """As `Store.waiting`."""
        return 0

    def open(self) -> None:
        """As `Store.open`."""
        self._database.open()

    def close(self) -> None:
        """As `Store.close`."""
        self._database.close()
        self._known.clear()

    def sites(self) -> list[Site]:
        """As `Store.sites`."""
        changes = self._database.rows("SELECT site, valid_from, keys FROM change")
        found = self._database.rows("SELECT number, id FROM site ORDER BY id")
        return sites_from(found, ((number, moment, json.loads(keys)) for number, moment, keys in changes))

    def registry_revision(self) -> int:
        """As `Store.registry_revision`: another file in the place of the one that was read is a change, too."""
        self._database.open()
        return self._database.connections

    def add_site(self, site_id: str, change: Change) -> Site:
        """As `Store.add_site`."""
        try:
            with self._database.transaction() as connection:
                cursor = connection.execute("INSERT INTO site (id) VALUES (?)", (site_id,))
                site = Site(int(cursor.lastrowid or 0), site_id, [change])
                _put_change(connection, site, change.valid_from)
        except sqlite3.IntegrityError:
            raise SiteExistsError(site_id) from None
        return site

    def add_sites(self, ids: Sequence[str]) -> list[Site]:
        """As `Store.add_sites`."""
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO site (id) VALUES (?)", ((each,) for each in ids))
            connection.execute(
                "INSERT INTO change (site, valid_from, keys)"
                " SELECT number, ?, '{}' FROM site WHERE number NOT IN (SELECT site FROM change)",
                (BEGINNING,),
            )
        return chosen(self.sites(), ids)

    def change_site(self, site: Site, change: Change) -> Site:
        """As `Store.change_site`."""
        with self._database.transaction() as connection:
            number, changes = _registered(connection, site.id, self._database.path)
            changed = Site(number, site.id, changes).with_change(change)
            _put_change(connection, changed, change.valid_from)
            connection.execute(
                "INSERT OR IGNORE INTO stale SELECT site, hour FROM hour WHERE site = ? AND hour >= ?"
                " AND hour >= (SELECT coalesce(max(before), 0) FROM deleted)",
                (number, change.valid_from // HOUR),
            )
        return changed

    def add(self, readings: Sequence[Reading]) -> list[bool]:
        """As `Store.add`."""
        try:
            with self._database.transaction() as connection:
                if self._known_of != self._database.connections:  # another file may be in the place of the last one
                    self._known.clear()
                    self._known_of = self._database.connections
                return _Insertion(connection, self._known, self._database.path).insert(readings)
        except BaseException:
            self._known.clear()  # it may know meters of the transaction that failed
            raise

    def rows(self, site: int, start: int, end: int) -> list[MeterRows]:
        """As `Store.rows`."""
        meters = self._database.rows("SELECT number, name FROM meter WHERE site = ? ORDER BY number", (site,))
        return [self._meter_rows(number, name, start, end) for number, name in meters]

    def _meter_rows(self, meter: int, name: str, start: int, end: int) -> MeterRows:
        rows = self._database.rows
        before = rows(_TOTAL_BEFORE, (meter, start))
        ((last_total_at,),) = rows("SELECT max(time) FROM reading WHERE meter = ? AND total IS NOT NULL", (meter,))
        found = rows(
            f"SELECT {_READING} FROM reading WHERE meter = ? AND time > ? AND time <= ? ORDER BY time",  # noqa: S608
            (meter, start, end),
        )
        after = rows(
            f"SELECT {_READING} FROM reading WHERE meter = ? AND time > ? ORDER BY time LIMIT 1",  # noqa: S608
            (meter, end),
        )
        return MeterRows(
            name,
            before[0] if before else None,
            last_total_at,
            [Row(*row) for row in found],
            Row(*after[0]) if after else None,
        )

    def runs(self, sites: Sequence[int], start: int, end: int) -> list[Run]:
        """As `Store.runs`."""
        return [Run(*row) for row in self._database.rows(_RUNS, (json.dumps(sites), start, end))]

    def lines(self, sites: Sequence[int], start: int, end: int) -> list[Line]:
        """As `Store.lines`."""
        return list(map(Line._make, self._database.rows(_LINES, (json.dumps(sites), start, end))))

    def digests(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int, bytes | None]]:
        """As `Store.digests`."""
        return self._hours.digests(sites, start, end)

    def seal(self, before: int, limit: int) -> bool:
        """As `Store.seal`."""
        with self._database.transaction() as connection:
            places = sqlite_hours.unsealed(connection, before, limit)
            sqlite_hours.put_digests(connection, digests_of(places, self.lines))
        return len(places) == limit

    def hours(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int, Piece]]:
        """As `Store.hours`."""
        return self._hours.hours(sites, start, end)

    def hour_ends(self, sites: Sequence[int], hour: int) -> list[tuple[int, int, int]]:
        """As `Store.hour_ends`."""
        return self._hours.ends(sites, hour)

    def grid_hours(self, zones: Sequence[str], first: int, last: int) -> list[GridHour]:
        """As `Store.grid_hours`."""
        query = (
            "SELECT zone, hour, grams, origin FROM grid_hour"  # noqa: S608
            f" WHERE zone IN ({', '.join('?' * len(zones))}) AND hour BETWEEN ? AND ?"
        )
        return [GridHour(*row) for row in self._database.rows(query, (*zones, first, last))]

    def put_grid_hour(self, told: GridHour, sites: Sequence[int]) -> None:
        """As `Store.put_grid_hour`."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO grid_hour VALUES (?, ?, ?, ?)", told)
            connection.executemany(
                "INSERT OR IGNORE INTO stale SELECT site, hour FROM hour WHERE site = ? AND hour = ?",
                [(site, told.hour) for site in sites],
            )

    def stale_hours(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int]]:
        """As `Store.stale_hours`."""
        return self._hours.stale_hours(sites, start, end)

    def site_sums(self, sites: Sequence[int], start: int, end: int, *, by_source: bool) -> list[SiteSum]:
        """As `Store.site_sums`."""
        return self._hours.site_sums(sites, start, end, by_source=by_source)

    def fresh_means(self, sites: Sequence[int], start: int, end: int) -> list[HourMeans]:
        """As `Store.fresh_means`."""
        return self._hours.fresh_means(sites, start, end)

    def site_means(self, sites: Sequence[int], start: int, end: int) -> list[SiteMeans]:
        """As `Store.site_means`."""
        return self._hours.site_means(sites, start, end)

    def oldest_stale(self, limit: int) -> list[tuple[int, int]]:
        """As `Store.oldest_stale`."""
        return [(site, hour) for site, hour in self._database.rows("SELECT site, hour FROM stale LIMIT ?", (limit,))]

    def put_hours(self, hours: Sequence[tuple[int, int, Piece | None]]) -> None:
        """As `Store.put_hours`."""
        self._hours.put(hours)

    def totals(self) -> list[Total]:
        """As `Store.totals`."""
        return [Total(*row) for row in self._database.rows("SELECT site, source, kwh, amount FROM total")]

    def latest(self) -> list[Latest]:
        """As `Store.latest`."""
        found = self._database.rows(
            f"SELECT meter.number, meter.site, meter.name, {_READING} FROM meter JOIN reading"  # noqa: S608
            " ON reading.meter = meter.number"
            " AND reading.time = (SELECT max(time) FROM reading WHERE meter = meter.number)"
        )
        return [self._latest(meter, site, name, Row(*row)) for meter, site, name, *row in found]

    def _latest(self, meter: int, site: int, name: str, row: Row) -> Latest:
        if row.power is not None or row.total is None:
            return Latest(site, name, row)
        before = self._database.rows(_TOTAL_BEFORE, (meter, row.time - 1))
        return Latest(site, name, row, before[0] if before else None)

    def delete_before(self, moment: int, limit: int) -> bool:
        """As `Store.delete_before`."""
        hour = moment // HOUR
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM deleted")
            connection.execute("INSERT INTO deleted VALUES (?)", (hour,))
            deleted = [connection.execute(each, (hour * HOUR, limit)).rowcount for each in (_OLD_IDS, _OLD_READINGS)]
        return max(deleted) >= limit


def _registered(connection: sqlite3.Connection, site_id: str, path: Path) -> tuple[int, list[Change]]:
    """A site's number and changes, as this file has them; raises `StorageError`."""
    row = connection.execute("SELECT number FROM site WHERE id = ?", (site_id,)).fetchone()
    if row is None:
        detail = f"the site {site_id!r} is no longer in the database"
        raise StorageError(path, StorageReason.FAILED, detail, fix="register it again")
    changes = connection.execute("SELECT valid_from, keys FROM change WHERE site = ?", row).fetchall()
    return int(row[0]), [Change(moment, json.loads(keys)) for moment, keys in changes]


def _put_change(connection: sqlite3.Connection, site: Site, moment: int) -> None:
    keys = next(change.keys for change in site.changes if change.valid_from == moment)
    connection.execute(
        "INSERT OR REPLACE INTO change (site, valid_from, keys) VALUES (?, ?, ?)",
        (site.number, moment, json.dumps(keys)),
    )


class _Insertion:
    """Puts readings into the tables, and marks the hours that they change."""

    def __init__(self, connection: sqlite3.Connection, known: Known, path: Path) -> None:
        self._execute = connection.execute
        self._connection = connection
        self._meters = known.meters
        self._path = path
        self._stale: set[tuple[int, int]] = set()

    def insert(self, readings: Iterable[Reading]) -> list[bool]:
        """Whether each was new."""
        new = [self._insert(reading) for reading in readings]
        self._connection.executemany("INSERT OR IGNORE INTO stale (site, hour) VALUES (?, ?)", self._stale)
        return new

    def _insert(self, reading: Reading) -> bool:
        known = self._meters.get((reading.site_id, reading.meter))
        site, meter = known or self._meter(reading.site_id, reading.meter)
        if reading.id is not None and self._is_known(site, reading.id):
            return False
        moment = reading.timestamp
        row = (meter, *row_of(reading))
        if not self._execute("INSERT OR IGNORE INTO reading VALUES (?, ?, ?, ?, ?, ?, ?)", row).rowcount:
            return False
        if reading.id is not None:
            self._execute("INSERT INTO reading_id VALUES (?, ?, ?, ?)", (site, reading.id, meter, moment))
        self._stale.add((site, hour_of(moment)))
        if reading.energy_kwh is not None:
            self._mark_neighbours(site, meter, moment)
        return True

    def _is_known(self, site: int, key: str) -> bool:
        return bool(self._execute("SELECT 1 FROM reading_id WHERE site = ? AND id = ?", (site, key)).fetchone())

    def _meter(self, site_id: str, name: str) -> tuple[int, int]:
        """The numbers of a site and its meter."""
        site, _ = _registered(self._connection, site_id, self._path)
        self._execute("INSERT OR IGNORE INTO meter (site, name) VALUES (?, ?)", (site, name))
        (number,) = self._execute("SELECT number FROM meter WHERE site = ? AND name = ?", (site, name)).fetchone()
        self._meters[site_id, name] = (site, int(number))
        return self._meters[site_id, name]

    def _mark_neighbours(self, site: int, meter: int, moment: int) -> None:
        """A total changes the energy of the next one, and of what lies between it and its neighbours without one."""
        following = self._neighbour(meter, moment, ">", "ASC")
        previous = self._neighbour(meter, moment, "<", "DESC")
        if following is not None:
            self._stale.add((site, hour_of(following)))
        period = (previous or moment, following or moment)
        for (hour,) in self._execute(
            f"SELECT DISTINCT (time - 1) / {HOUR} FROM reading"  # noqa: S608
            " WHERE meter = ? AND time > ? AND time < ? AND total IS NULL",
            (meter, *period),
        ):
            self._stale.add((site, hour))

    def _neighbour(self, meter: int, moment: int, side: str, order: str) -> int | None:
        found = self._execute(
            f"SELECT time FROM reading WHERE meter = ? AND total IS NOT NULL AND time {side} ?"  # noqa: S608
            f" ORDER BY time {order} LIMIT 1",
            (meter, moment),
        ).fetchone()
        return found[0] if found else None
