"""The store in PostgreSQL, which several collectors may share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from collector_core import SecretStr
from collector_core.storage import StorageError, StorageReason
from collector_plugins.sites import plain_runs, postgres_hours
from collector_plugins.sites.digests import digests_of
from collector_plugins.sites.known import Known
from collector_plugins.sites.plain_runs import Run
from collector_plugins.sites.postgres_insertion import Insertion
from collector_plugins.sites.postgres_link import PostgresLink
from collector_plugins.sites.postgres_schema import LOCK, migrate
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
)

if TYPE_CHECKING:
    from psycopg import Connection

SECONDS = 4.0  # that a transaction may take: a handler has 10
MIGRATION_SECONDS = 60.0
_TIME = "(extract(epoch FROM time) * 1000)::bigint"
_READING = f'{_TIME}, "interval", power, total, hashrate, extra'
_MOMENT = "to_timestamp(%s / 1000.0::float8)"


class PostgresStore:
    """`Store` in a database; with `read_only` it makes no tables.

    Writers take turns: each transaction that writes holds a lock, so that what it has looked up stays true.
    """

    def __init__(self, url: SecretStr, timescaledb: str, *, read_only: bool = False, timeout: float = SECONDS) -> None:
        self._link = PostgresLink(url, timeout)
        self._timescaledb = timescaledb
        self._read_only = read_only
        self._is_open = False
        self._known = Known()
        self._known_of = 0  # which of the link's connections; 0: none
        self._versions: dict[tuple[int, int], int] = {}

    @property
    def address(self) -> str:
        """Where the database is, without user and password."""
        return self._link.address

    @property
    def waiting(self) -> int:
        """As `Store.waiting`."""
        return 0

    def open(self) -> None:
        """As `Store.open`."""
        if not self._is_open and not self._read_only:
            with self._link.transaction(MIGRATION_SECONDS) as connection:
                migrate(connection, self._timescaledb, self.address)
        self._is_open = True

    def close(self) -> None:
        """As `Store.close`."""
        self._is_open = False
        self._known.clear()
        self._link.close()

    def sites(self) -> list[Site]:
        """As `Store.sites`."""
        with self._link.transaction() as connection:
            changes = connection.execute("SELECT site, valid_from, keys FROM sites.change").fetchall()
            found = connection.execute('SELECT number, id FROM sites.site ORDER BY id COLLATE "C"').fetchall()
        return sites_from(found, changes)

    def registry_revision(self) -> int:
        """As `Store.registry_revision`."""
        ((revision,),) = self._rows("SELECT revision FROM sites.registry")
        return int(revision)

    def add_site(self, site_id: str, change: Change) -> Site:
        """As `Store.add_site`."""
        with self._changing() as connection:
            query = "INSERT INTO sites.site (id) VALUES (%s) ON CONFLICT (id) DO NOTHING RETURNING number"
            row = connection.execute(query, (site_id,)).fetchone()
            if row is None:
                raise SiteExistsError(site_id)
            site = Site(int(row[0]), site_id, [change])
            _put_change(connection, site, change.valid_from)
        return site

    def add_sites(self, ids: Sequence[str]) -> list[Site]:
        """As `Store.add_sites`."""
        with self._changing() as connection:
            connection.execute(
                "INSERT INTO sites.site (id) SELECT unnest(%s::text[]) ON CONFLICT (id) DO NOTHING", (list(ids),)
            )
            connection.execute(
                "INSERT INTO sites.change (site, valid_from, keys)"
                " SELECT number, %s, '{}' FROM sites.site WHERE number NOT IN (SELECT site FROM sites.change)",
                (BEGINNING,),
            )
            connection.execute("UPDATE sites.registry SET revision = revision + 1")
        return chosen(self.sites(), ids)

    def change_site(self, site: Site, change: Change) -> Site:
        """As `Store.change_site`."""
        with self._changing() as connection:
            number, changes = _registered(connection, site.id, self.address)
            changed = Site(number, site.id, changes).with_change(change)
            _put_change(connection, changed, change.valid_from)
            connection.execute(
                "INSERT INTO sites.stale (site, hour) SELECT site, hour FROM sites.hour WHERE site = %s AND hour >= %s"
                " AND hour >= (SELECT deleted_before FROM sites.registry)"
                f" {postgres_hours.AGAIN}",
                (number, change.valid_from // HOUR),
            )
        return changed

    def add(self, readings: Sequence[Reading]) -> list[bool]:
        """As `Store.add`."""
        with self._changing() as connection:
            return Insertion(connection, self._known, self.address).insert(readings)

    def rows(self, site: int, start: int, end: int) -> list[MeterRows]:
        """As `Store.rows`."""
        with self._link.transaction(snapshot=True) as connection:
            found = {
                number: MeterRows(name, None, last_total_at, [])
                for number, name, last_total_at in connection.execute(_METERS, (site,))
            }
            numbers = list(found)
            for number, *row in connection.execute(_PERIOD, (numbers, start, end)):
                found[number].rows.append(Row(*row))
            for number, time, total in connection.execute(_TOTALS_BEFORE, (start, numbers)):
                found[number].before = (time, total)
            for number, *row in connection.execute(_AFTER, (end, numbers)):
                found[number].after = Row(*row)
        return list(found.values())

    def runs(self, sites: Sequence[int], start: int, end: int) -> list[Run]:
        """As `Store.runs`."""
        return [Run(*row) for row in self._rows(_RUNS, list(sites), start, end)]

    def lines(self, sites: Sequence[int], start: int, end: int) -> list[Line]:
        """As `Store.lines`."""
        with self._link.transaction() as connection:
            return _lines(connection, sites, start, end)

    def digests(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int, bytes | None]]:
        """As `Store.digests`."""
        with self._link.transaction(snapshot=True) as connection:
            return postgres_hours.digests(connection, sites, start, end)

    def seal(self, before: int, limit: int) -> bool:
        """As `Store.seal`."""
        with self._changing() as connection:
            places = postgres_hours.unsealed(connection, before, limit)
            postgres_hours.put_digests(connection, digests_of(places, partial(_lines, connection)))
        return len(places) == limit

    def hours(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int, Piece]]:
        """As `Store.hours`."""
        with self._link.transaction(snapshot=True) as connection:
            return postgres_hours.hours(connection, sites, start, end)

    def hour_ends(self, sites: Sequence[int], hour: int) -> list[tuple[int, int, int]]:
        """As `Store.hour_ends`."""
        with self._link.transaction() as connection:
            return postgres_hours.ends(connection, sites, hour)

    def grid_hours(self, zones: Sequence[str], first: int, last: int) -> list[GridHour]:
        """As `Store.grid_hours`."""
        query = "SELECT zone, hour, grams, origin FROM sites.grid_hour WHERE zone = ANY (%s) AND hour BETWEEN %s AND %s"
        return [GridHour(*row) for row in self._rows(query, list(zones), first, last)]

    def put_grid_hour(self, told: GridHour, sites: Sequence[int]) -> None:
        """As `Store.put_grid_hour`."""
        with self._changing() as connection:
            connection.execute(
                "INSERT INTO sites.grid_hour VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (zone, hour) DO UPDATE SET grams = excluded.grams, origin = excluded.origin",
                told,
            )
            connection.execute(
                "INSERT INTO sites.stale (site, hour)"
                " SELECT site, hour FROM sites.hour WHERE site = ANY (%s) AND hour = %s"
                f" {postgres_hours.AGAIN}",
                (list(sites), told.hour),
            )

    def stale_hours(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int]]:
        """As `Store.stale_hours`."""
        query = "SELECT site, hour FROM sites.stale WHERE hour >= %s AND hour < %s AND site = ANY (%s)"
        return [(site, hour) for site, hour in self._rows(query, start, end, list(sites))]

    def site_sums(self, sites: Sequence[int], start: int, end: int, *, by_source: bool) -> list[SiteSum]:
        """As `Store.site_sums`."""
        with self._link.transaction(snapshot=True) as connection:
            return postgres_hours.site_sums(connection, sites, start, end, by_source=by_source)

    def fresh_means(self, sites: Sequence[int], start: int, end: int) -> list[HourMeans]:
        """As `Store.fresh_means`."""
        with self._link.transaction(snapshot=True) as connection:
            return postgres_hours.fresh_means(connection, sites, start, end)

    def site_means(self, sites: Sequence[int], start: int, end: int) -> list[SiteMeans]:
        """As `Store.site_means`."""
        with self._link.transaction(snapshot=True) as connection:
            return postgres_hours.site_means(connection, sites, start, end)

    def oldest_stale(self, limit: int) -> list[tuple[int, int]]:
        """As `Store.oldest_stale`."""
        found = self._rows("SELECT site, hour, version FROM sites.stale ORDER BY version LIMIT %s", limit)
        self._versions = {(site, hour): version for site, hour, version in found}
        return list(self._versions)

    def put_hours(self, hours: Sequence[tuple[int, int, Piece | None]]) -> None:
        """As `Store.put_hours`."""
        with self._changing() as connection:
            postgres_hours.put(connection, hours, self._versions)

    def totals(self) -> list[Total]:
        """As `Store.totals`."""
        return [Total(*row) for row in self._rows("SELECT site, source, kwh, amount FROM sites.total")]

    def latest(self) -> list[Latest]:
        """As `Store.latest`."""
        return [
            Latest(site, name, Row(*row), (before, total) if before is not None else None)
            for site, name, before, total, *row in self._rows(_LATEST)
        ]

    def delete_before(self, moment: int, limit: int) -> bool:
        """As `Store.delete_before`."""
        hour = moment // HOUR
        with self._changing(MIGRATION_SECONDS) as connection:
            connection.execute("UPDATE sites.registry SET deleted_before = greatest(deleted_before, %s)", (hour,))
            ids = connection.execute(_OLD_IDS, (hour * HOUR, limit)).rowcount
            readings = connection.execute(_OLD_READINGS, (hour * HOUR, limit, limit)).rowcount
        return max(ids, readings) >= limit

    @contextmanager
    def _changing(self, timeout: float | None = None) -> Iterator[Connection[Any]]:
        """A transaction of the only one that writes."""
        try:
            self.open()
            with self._link.transaction(timeout) as connection:
                if self._known_of != self._link.connections:  # a copy may be in the place of the last database
                    self._known.clear()
                    self._known_of = self._link.connections
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                yield connection
        except BaseException:
            self._known.clear()  # it may know meters of the transaction that failed
            self._is_open = False  # it may be another database now
            raise

    def _rows(self, query: str, *parameters: object) -> list[Any]:
        with self._link.transaction() as connection:
            return connection.execute(query, parameters).fetchall()


def _lines(connection: Connection[Any], sites: Sequence[int], start: int, end: int) -> list[Line]:
    return list(map(Line._make, connection.execute(_LINES, (list(sites), start, end))))


def _registered(connection: Connection[Any], site_id: str, address: str) -> tuple[int, list[Change]]:
    """A site's number and changes, as they are now: another collector may have added some."""
    row = connection.execute("SELECT number FROM sites.site WHERE id = %s", (site_id,)).fetchone()
    if row is None:
        raise StorageError(address, StorageReason.FAILED, f"the site {site_id!r} is no longer in the database")
    changes = connection.execute("SELECT valid_from, keys FROM sites.change WHERE site = %s", row).fetchall()
    return int(row[0]), [Change(*each) for each in changes]


def _put_change(connection: Connection[Any], site: Site, moment: int) -> None:
    keys = next(change.keys for change in site.changes if change.valid_from == moment)
    connection.execute(
        "INSERT INTO sites.change VALUES (%s, %s, %s)"
        " ON CONFLICT (site, valid_from) DO UPDATE SET keys = excluded.keys",
        (site.number, moment, json.dumps(keys)),
    )
    connection.execute("UPDATE sites.registry SET revision = revision + 1")


_METERS = """
    SELECT m.number, m.name, (extract(epoch FROM (
        SELECT max(time) FROM sites.reading r WHERE r.meter = m.number AND total IS NOT NULL)) * 1000)::bigint
    FROM sites.meter m WHERE m.site = %s ORDER BY m.number
"""
_PERIOD = f"""
    SELECT meter, {_READING} FROM sites.reading
    WHERE meter = ANY (%s) AND time > {_MOMENT} AND time <= {_MOMENT} ORDER BY meter, time
"""
_LINES = f"""
    SELECT site, name, (({_TIME} - 1) / {HOUR})::integer, {_READING}
    FROM sites.meter m JOIN sites.reading r ON r.meter = m.number
    WHERE m.site = ANY (%s) AND time > {_MOMENT} AND time <= {_MOMENT} ORDER BY site, name COLLATE "C", time
"""
_RUNS = f"""
    WITH chosen AS MATERIALIZED (
        SELECT m.site, m.number, EXISTS (
            SELECT 1 FROM sites.meter o CROSS JOIN LATERAL (
                SELECT 1 FROM sites.reading t WHERE t.meter = o.number AND t.total IS NOT NULL LIMIT 1) AS told
            WHERE o.site = m.site)::integer AS has_totals
        FROM sites.meter m WHERE m.site = ANY (%s))
    SELECT {plain_runs.COLUMNS} FROM (
        SELECT c.site, c.has_totals, r.meter, {_TIME} AS time, r."interval"::bigint, r.power, r.hashrate, r.extra
        FROM chosen c JOIN sites.reading r ON r.meter = c.number
        WHERE r.time > {_MOMENT} AND r.time <= {_MOMENT}) AS plain
    GROUP BY {plain_runs.GROUPS} ORDER BY max(time)
"""
_TOTALS_BEFORE = f"""
    SELECT m.number, {_TIME}, total FROM sites.meter m CROSS JOIN LATERAL (
        SELECT time, total FROM sites.reading r WHERE r.meter = m.number AND total IS NOT NULL AND time <= {_MOMENT}
        ORDER BY time DESC LIMIT 1) last
    WHERE m.number = ANY (%s)
"""
_AFTER = f"""
    SELECT m.number, {_READING} FROM sites.meter m CROSS JOIN LATERAL (
        SELECT * FROM sites.reading r WHERE r.meter = m.number AND time > {_MOMENT} ORDER BY time LIMIT 1) next
    WHERE m.number = ANY (%s)
"""
_OLD_IDS = f"""
    DELETE FROM sites.reading_id WHERE (site, id) IN (
        SELECT site, id FROM sites.reading_id WHERE time <= {_MOMENT} LIMIT %s)
"""
_OLD_READINGS = f"""
    DELETE FROM sites.reading r USING (
        SELECT m.number, old.time FROM sites.meter m CROSS JOIN LATERAL (
            SELECT time FROM sites.reading o WHERE o.meter = m.number AND time <= {_MOMENT} ORDER BY time LIMIT %s) old
        LIMIT %s) AS old
    WHERE r.meter = old.number AND r.time = old.time
"""
_LATEST = f"""
    SELECT m.site, m.name, (extract(epoch FROM before.at) * 1000)::bigint, before.old, {_READING}
    FROM sites.meter m CROSS JOIN LATERAL (
        SELECT * FROM sites.reading r WHERE r.meter = m.number ORDER BY time DESC LIMIT 1) last
    LEFT JOIN LATERAL (
        SELECT r.time AS at, r.total AS old FROM sites.reading r
        WHERE r.meter = m.number AND r.total IS NOT NULL AND r.time < last.time
            AND last.power IS NULL AND last.total IS NOT NULL
        ORDER BY r.time DESC LIMIT 1) before ON true
"""
