"""The hourly sums of the embedded store: kept in columns, so that SQL adds them up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from collector_core.storage import Database
from collector_plugins.sites.hour_columns import COLUMNS, NAMES, Amounts, differences, hour_row, part_row
from collector_plugins.sites.hour_queries import HourQueries
from collector_plugins.sites.store import HourMeans, Piece, SiteMeans, SiteSum

STATEMENTS = [
    "CREATE TABLE hour (hour INTEGER NOT NULL, site INTEGER NOT NULL, readings INTEGER NOT NULL,"
    " kwh REAL NOT NULL, facility_kwh REAL NOT NULL, cost REAL, location_grams REAL, market_grams REAL,"
    " power_joules REAL NOT NULL, power_seconds REAL NOT NULL, peak REAL, terahashes REAL NOT NULL,"
    " hash_seconds REAL NOT NULL, covered_seconds REAL NOT NULL, load REAL NOT NULL, loads INTEGER NOT NULL,"
    " price REAL NOT NULL, prices INTEGER NOT NULL, begin INTEGER NOT NULL, first INTEGER NOT NULL,"
    " last INTEGER NOT NULL, spans TEXT NOT NULL, PRIMARY KEY (hour, site)) STRICT, WITHOUT ROWID",
    "CREATE UNIQUE INDEX hour_of_site ON hour (site, hour)",
    "CREATE TABLE kind (number INTEGER PRIMARY KEY, source TEXT NOT NULL, origin TEXT NOT NULL,"
    " UNIQUE (source, origin)) STRICT",
    "CREATE TABLE part (hour INTEGER NOT NULL, site INTEGER NOT NULL, kind INTEGER NOT NULL, kwh REAL NOT NULL,"
    " facility_kwh REAL NOT NULL, location_grams REAL, market_grams REAL, PRIMARY KEY (hour, site, kind))"
    " STRICT, WITHOUT ROWID",
    "CREATE UNIQUE INDEX part_of_site ON part (site, hour, kind)",
    "CREATE TABLE stale (site INTEGER NOT NULL, hour INTEGER NOT NULL, PRIMARY KEY (site, hour)) STRICT, WITHOUT ROWID",
    "CREATE TABLE total (site INTEGER NOT NULL, source TEXT NOT NULL, kwh REAL NOT NULL, amount REAL,"
    " PRIMARY KEY (site, source)) STRICT, WITHOUT ROWID",
]
DIGESTS = [
    "ALTER TABLE hour ADD COLUMN digest BLOB",
    "CREATE INDEX hour_unsealed ON hour (hour, site) WHERE digest IS NULL",
]
FEW_SITES = 20
_UNSEALED = """
    SELECT site, hour FROM hour AS h INDEXED BY hour_unsealed WHERE digest IS NULL AND hour < ?
    AND hour >= (SELECT coalesce(max(before), 0) FROM deleted)
    AND NOT EXISTS (SELECT 1 FROM stale AS s WHERE s.site = h.site AND s.hour = h.hour)
    ORDER BY hour, site LIMIT ?
"""
TABLES = ("hour", "kind", "part", "stale", "total")


class HourTables:
    """The tables `hour`, `part`, `stale` and `total` of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = HourQueries(database.rows, hours="hour", parts="part JOIN kind ON number = kind", kind="kind")

    def hours(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int, Piece]]:
        """As `Store.hours`."""
        return self._queries.hours(sites, *_chosen(sites, start, end))

    def ends(self, sites: Sequence[int], hour: int) -> list[tuple[int, int, int]]:
        """As `Store.hour_ends`."""
        return self._queries.ends(sites, *_chosen(sites, hour, hour + 1))

    def stale_hours(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int]]:
        """As `Store.stale_hours`."""
        found = self._database.rows("SELECT site, hour FROM stale WHERE hour >= ? AND hour < ?", (start, end))
        wanted = set(sites)
        return [(site, hour) for site, hour in found if site in wanted]

    def site_sums(self, sites: Sequence[int], start: int, end: int, *, by_source: bool) -> list[SiteSum]:
        """As `Store.site_sums`."""
        return self._queries.site_sums(sites, *_chosen(sites, start, end), by_source=by_source)

    def fresh_means(self, sites: Sequence[int], start: int, end: int) -> list[HourMeans]:
        """As `Store.fresh_means`."""
        chosen = "+site IN (SELECT value FROM json_each(?)) AND hour >= ? AND hour < ?"  # in the order of hours
        return self._queries.fresh_means(chosen, (json.dumps(sites), start, end), "stale")

    def site_means(self, sites: Sequence[int], start: int, end: int) -> list[SiteMeans]:
        """As `Store.site_means`."""
        chosen = "+site IN (SELECT value FROM json_each(?)) AND hour >= ? AND hour < ?"
        return self._queries.site_means(chosen, (json.dumps(sites), start, end))

    def digests(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int, bytes | None]]:
        """As `Store.digests`."""
        chosen = "site IN (SELECT value FROM json_each(?)) AND hour >= ? AND hour < ?"
        found = self._queries.digests(chosen, (json.dumps(sites), start, end))
        found.update(dict.fromkeys(self.stale_hours(sites, start, end)))
        return [(*place, digest) for place, digest in found.items()]

    def put(self, hours: Sequence[tuple[int, int, Piece | None]]) -> None:
        """As `Store.put_hours`."""
        keys = [(site, hour) for site, hour, _ in hours]
        kept = [(site, hour, piece) for site, hour, piece in hours if piece is not None]
        with self._database.transaction() as connection:
            _count_differences(connection, hours)
            for table in ("hour", "part", "stale"):
                connection.executemany(f"DELETE FROM {table} WHERE site = ? AND hour = ?", keys)  # noqa: S608
            places = ", ".join("?" * (2 + len(COLUMNS)))
            connection.executemany(
                f"INSERT INTO hour (hour, site, {NAMES}) VALUES ({places})",  # noqa: S608
                [(hour, site, *hour_row(piece)) for site, hour, piece in kept],
            )
            _put_parts(connection, kept)


def unsealed(connection: sqlite3.Connection, before: int, limit: int) -> list[tuple[int, int]]:
    """Hours (site, hour) before `before` that are not stale and whose hash is not kept; the oldest first."""
    return connection.execute(_UNSEALED, (before, limit)).fetchall()


def put_digests(connection: sqlite3.Connection, digests: Mapping[tuple[int, int], bytes]) -> None:
    """Keep the hashes of hours."""
    values = [(digest, *place) for place, digest in digests.items()]
    connection.executemany("UPDATE hour SET digest = ? WHERE site = ? AND hour = ?", values)


def _chosen(sites: Sequence[int], start: int, end: int) -> tuple[str, tuple[int, ...]]:
    """The condition for the hours of sites; of many it holds for those of others, too."""
    if len(sites) <= FEW_SITES:  # the hours of each lie side by side in the index
        return f"site IN ({', '.join('?' * len(sites))}) AND hour >= ? AND hour < ?", (*sites, start, end)
    return "hour >= ? AND hour < ?", (start, end)


def _put_parts(connection: sqlite3.Connection, hours: Sequence[tuple[int, int, Piece]]) -> None:
    kinds = _kinds(connection, {kind for _, _, piece in hours for kind in piece.parts})
    connection.executemany(
        "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (hour, site, kinds[kind], *part_row(part))
            for site, hour, piece in hours
            for kind, part in piece.parts.items()
        ],
    )


def _kinds(connection: sqlite3.Connection, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The numbers of sources with the origins of their factors."""
    found: dict[tuple[str, str], int] = {}
    for kind in sorted(wanted):
        connection.execute("INSERT OR IGNORE INTO kind (source, origin) VALUES (?, ?)", kind)
        row = connection.execute("SELECT number FROM kind WHERE source = ? AND origin = ?", kind).fetchone()
        found[kind] = int(row[0])
    return found


def _count_differences(connection: sqlite3.Connection, hours: Sequence[tuple[int, int, Piece | None]]) -> None:
    """Add to the totals by how much the sums of hours change."""
    stored = {(site, hour): _stored_amounts(connection, site, hour) for site, hour, _ in hours}
    connection.executemany(
        "INSERT INTO total VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET kwh = kwh + ?3,"
        " amount = CASE WHEN ?4 IS NULL THEN amount ELSE coalesce(amount, 0) + ?4 END",
        differences(hours, stored),
    )


def _stored_amounts(connection: sqlite3.Connection, site: int, hour: int) -> Amounts:
    """As `amounts_of`, of what is kept of an hour."""
    found = connection.execute(
        "SELECT '', kwh, cost FROM hour WHERE site = ?1 AND hour = ?2 UNION ALL"
        " SELECT source, sum(kwh), sum(location_grams) FROM part JOIN kind ON number = kind"
        " WHERE site = ?1 AND hour = ?2 GROUP BY source",
        (site, hour),
    )
    return {source: (kwh, amount) for source, kwh, amount in found}
