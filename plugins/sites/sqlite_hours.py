"""The hourly sums of the embedded store: kept in columns, so that SQL adds them up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from collector_core.storage import Database
from collector_plugins.sites.hour_columns import COLUMNS, SUMMED, Amounts, amounts_of, hour_row, piece_of, sum_of
from collector_plugins.sites.store import HOUR, Part, Piece, SiteSum

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
FEW_SITES = 20
TABLES = ("hour", "kind", "part", "total")

_AMOUNTS = "kwh, facility_kwh, location_grams, market_grams"
_SUMS = ", ".join(
    [
        *(f"sum({name})" for name in SUMMED),
        "max(peak)",
        "min(first)",
        "max(last)",
        "sum(location_grams)",
        "sum(market_grams)",
        "min(begin)",
        f"sum(begin < hour * {HOUR})",
    ]
)
_OVERLAPPING = (
    "SELECT DISTINCT site FROM"
    " (SELECT site, begin < lag(last) OVER (PARTITION BY site ORDER BY hour) AS overlaps FROM hour WHERE {chosen})"
    " WHERE overlaps"
)


class HourTables:
    """The tables `hour`, `part`, `stale` and `total` of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hours(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int, Piece]]:
        """As `Store.hours`."""
        chosen, parameters = _chosen(sites, start, end)
        query = f"SELECT site, hour, {', '.join(COLUMNS)} FROM hour WHERE {chosen} ORDER BY hour"  # noqa: S608
        wanted = set(sites)
        found = {
            (site, hour): piece_of(row) for site, hour, *row in self._database.rows(query, parameters) if site in wanted
        }
        query = (
            f"SELECT site, hour, source, origin, {_AMOUNTS} FROM part JOIN kind ON number = kind"  # noqa: S608
            f" WHERE {chosen}"
        )
        for site, hour, source, origin, *amounts in self._database.rows(query, parameters):
            if (site, hour) in found:
                found[site, hour].parts[source, origin] = Part(*amounts)
        return [(site, hour, piece) for (site, hour), piece in found.items()]

    def stale_hours(self, sites: Sequence[int], start: int, end: int) -> list[tuple[int, int]]:
        """As `Store.stale_hours`."""
        found = self._database.rows("SELECT site, hour FROM stale WHERE hour >= ? AND hour < ?", (start, end))
        wanted = set(sites)
        return [(site, hour) for site, hour in found if site in wanted]

    def site_sums(self, sites: Sequence[int], start: int, end: int, *, by_source: bool) -> list[SiteSum]:
        """As `Store.site_sums`."""
        chosen, parameters = _chosen(sites, start, end)
        query = f"SELECT site, {_SUMS} FROM hour WHERE {chosen} GROUP BY site"  # noqa: S608
        wanted = set(sites)
        found = [row for row in self._database.rows(query, parameters) if row[0] in wanted]
        overlapping = set[int]()
        if any(reaching_back for *_, reaching_back in found):
            query = _OVERLAPPING.format(chosen=chosen)
            overlapping = {site for (site,) in self._database.rows(query, parameters)}
        parts = self._parts(chosen, parameters) if by_source else {}
        return [
            SiteSum(site, sum_of(row, parts.get(site) if by_source else None), begin, site in overlapping)
            for site, *row, begin, _ in found
        ]

    def _parts(self, chosen: str, parameters: Sequence[int]) -> dict[int, dict[tuple[str, str], Part]]:
        sums = ", ".join(f"sum({name})" for name in _AMOUNTS.split(", "))
        query = (
            f"SELECT site, source, origin, {sums} FROM part JOIN kind ON number = kind"  # noqa: S608
            f" WHERE {chosen} GROUP BY site, kind"
        )
        parts: dict[int, dict[tuple[str, str], Part]] = {}
        for site, source, origin, *amounts in self._database.rows(query, parameters):
            parts.setdefault(site, {})[source, origin] = Part(*amounts)
        return parts

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
                f"INSERT INTO hour (hour, site, {', '.join(COLUMNS)}) VALUES ({places})",  # noqa: S608
                [(hour, site, *hour_row(piece)) for site, hour, piece in kept],
            )
            _put_parts(connection, kept)


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
            (hour, site, kinds[kind], part.kwh, part.facility_kwh, part.location_grams, part.market_grams)
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
    for site, hour, piece in hours:
        before, after = _stored_amounts(connection, site, hour), amounts_of(piece) if piece else {}
        for source in sorted(before.keys() | after.keys()):
            (old_kwh, old), (new_kwh, new) = before.get(source, (0.0, None)), after.get(source, (0.0, None))
            amount = None if old is None and new is None else (new or 0.0) - (old or 0.0)
            connection.execute(
                "INSERT INTO total VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET kwh = kwh + ?3,"
                " amount = CASE WHEN ?4 IS NULL THEN amount ELSE coalesce(amount, 0) + ?4 END",
                (site, source, new_kwh - old_kwh, amount),
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
