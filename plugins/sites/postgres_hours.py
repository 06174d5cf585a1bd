"""The hourly sums in PostgreSQL: kept in columns, so that SQL adds them up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collector_plugins.sites.hour_columns import NAMES, PART_NAMES, Amounts, differences, hour_row, part_row
from collector_plugins.sites.hour_queries import HourQueries
from collector_plugins.sites.store import HourMeans, Piece, SiteMeans, SiteSum

if TYPE_CHECKING:
    from psycopg import Connection

AGAIN = "ON CONFLICT (site, hour) DO UPDATE SET version = DEFAULT"
_CHOSEN = "site = ANY (%s) AND hour >= %s AND hour < %s"
_UNSEALED = """
    SELECT site, hour FROM sites.hour h WHERE digest IS NULL AND hour < %s
    AND hour >= (SELECT deleted_before FROM sites.registry)
    AND NOT EXISTS (SELECT 1 FROM sites.stale s WHERE s.site = h.site AND s.hour = h.hour)
    ORDER BY hour, site LIMIT %s
"""
_KEYS = "unnest(%s::integer[], %s::integer[]) AS k (site, hour) USING (site, hour)"


def mark_stale(connection: Connection[Any], hours: Collection[tuple[int, int]]) -> None:
    """Note that the sums of these hours (site, hour) are out of date."""
    if hours:
        columns = [list(column) for column in zip(*hours, strict=True)]
        query = "INSERT INTO sites.stale (site, hour) SELECT * FROM unnest(%s::integer[], %s::integer[])"
        connection.execute(f"{query} {AGAIN}", columns)


def hours(connection: Connection[Any], sites: Sequence[int], start: int, end: int) -> list[tuple[int, int, Piece]]:
    """As `Store.hours`."""
    return _queries(connection).hours(sites, _CHOSEN, (list(sites), start, end))


def ends(connection: Connection[Any], sites: Sequence[int], hour: int) -> list[tuple[int, int, int]]:
    """As `Store.hour_ends`."""
    return _queries(connection).ends(sites, _CHOSEN, (list(sites), hour, hour + 1))


def site_sums(
    connection: Connection[Any], sites: Sequence[int], start: int, end: int, *, by_source: bool
) -> list[SiteSum]:
    """As `Store.site_sums`."""
    return _queries(connection).site_sums(sites, _CHOSEN, (list(sites), start, end), by_source=by_source)


def digests(
    connection: Connection[Any], sites: Sequence[int], start: int, end: int
) -> list[tuple[int, int, bytes | None]]:
    """As `Store.digests`."""
    parameters = (list(sites), start, end)
    found = _queries(connection).digests(_CHOSEN, parameters)
    found.update(dict.fromkeys(connection.execute(f"SELECT site, hour FROM sites.stale WHERE {_CHOSEN}", parameters)))
    return [(*place, digest) for place, digest in found.items()]


def unsealed(connection: Connection[Any], before: int, limit: int) -> list[tuple[int, int]]:
    """Hours (site, hour) before `before` that are not stale and whose hash is not kept; the oldest first."""
    return connection.execute(_UNSEALED, (before, limit)).fetchall()


def put_digests(connection: Connection[Any], digests: Mapping[tuple[int, int], bytes]) -> None:
    """Keep the hashes of hours."""
    if digests:
        columns = [[site for site, _ in digests], [hour for _, hour in digests], list(digests.values())]
        connection.execute(
            "UPDATE sites.hour h SET digest = k.digest"
            " FROM unnest(%s::integer[], %s::integer[], %s::bytea[]) AS k (site, hour, digest)"
            " WHERE h.site = k.site AND h.hour = k.hour",
            columns,
        )


def fresh_means(connection: Connection[Any], sites: Sequence[int], start: int, end: int) -> list[HourMeans]:
    """As `Store.fresh_means`."""
    return _queries(connection).fresh_means(_CHOSEN, (list(sites), start, end), "sites.stale")


def site_means(connection: Connection[Any], sites: Sequence[int], start: int, end: int) -> list[SiteMeans]:
    """As `Store.site_means`."""
    return _queries(connection).site_means(_CHOSEN, (list(sites), start, end))


def _queries(connection: Connection[Any]) -> HourQueries:
    return HourQueries(connection.execute, hours="sites.hour", parts="sites.part", kind="source, origin")


def put(
    connection: Connection[Any],
    hours: Sequence[tuple[int, int, Piece | None]],
    versions: Mapping[tuple[int, int], int],
) -> None:
    """As `Store.put_hours`; those stay stale that became so again after these `versions` of them."""
    if not hours:
        return
    keys = [[site for site, _, _ in hours], [hour for _, hour, _ in hours]]
    kept = [(site, hour, piece) for site, hour, piece in hours if piece is not None]
    _count_differences(connection, hours, keys)
    for table in ("hour", "part"):
        connection.execute(
            f"DELETE FROM sites.{table} t USING unnest(%s::integer[], %s::integer[]) AS k (site, hour)"
            " WHERE t.site = k.site AND t.hour = k.hour",
            keys,
        )
    _copy(connection, f"hour (site, hour, {NAMES})", [(site, hour, *hour_row(piece)) for site, hour, piece in kept])
    _copy(
        connection,
        f"part (site, hour, source, origin, {PART_NAMES})",
        [(site, hour, *kind, *part_row(part)) for site, hour, piece in kept for kind, part in piece.parts.items()],
    )
    connection.execute(
        "DELETE FROM sites.stale t USING unnest(%s::integer[], %s::integer[], %s::bigint[]) AS k (site, hour, version)"
        " WHERE t.site = k.site AND t.hour = k.hour AND t.version = k.version",
        [*keys, [versions.get((site, hour), 0) for site, hour, _ in hours]],
    )


def _copy(connection: Connection[Any], table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.cursor().copy(f"COPY sites.{table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _count_differences(
    connection: Connection[Any], hours: Sequence[tuple[int, int, Piece | None]], keys: list[list[int]]
) -> None:
    """Add to the totals by how much the sums of hours change."""
    connection.cursor().executemany(
        "INSERT INTO sites.total VALUES (%s, %s, %s, %s) ON CONFLICT (site, source) DO UPDATE SET"
        " kwh = total.kwh + excluded.kwh, amount = CASE WHEN excluded.amount IS NULL THEN total.amount"
        " ELSE coalesce(total.amount, 0) + excluded.amount END",
        differences(hours, _stored_amounts(connection, keys)),
    )


def _stored_amounts(connection: Connection[Any], keys: list[list[int]]) -> dict[tuple[int, int], Amounts]:
    """As `amounts_of`, of what is kept of hours."""
    query = (
        f"SELECT site, hour, '', kwh, cost FROM sites.hour JOIN {_KEYS} UNION ALL"
        f" SELECT site, hour, source, sum(kwh), sum(location_grams) FROM sites.part JOIN {_KEYS}"
        " GROUP BY site, hour, source"
    )
    found: dict[tuple[int, int], Amounts] = {}
    for site, hour, source, kwh, amount in connection.execute(query, keys * 2):
        found.setdefault((site, hour), {})[source] = (kwh, amount)
    return found
