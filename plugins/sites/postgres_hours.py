"""The hourly sums in PostgreSQL: kept in columns, so that SQL adds them up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collector_plugins.sites.hour_columns import COLUMNS, SUMMED, Amounts, amounts_of, hour_row, piece_of, sum_of
from collector_plugins.sites.store import HOUR, Part, Piece, SiteSum

if TYPE_CHECKING:
    from psycopg import Connection

AGAIN = "ON CONFLICT (site, hour) DO UPDATE SET version = DEFAULT"
_AMOUNTS = "kwh, facility_kwh, location_grams, market_grams"
_NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
_INTEGERS = {"readings", "loads", "prices"}
_CHOSEN = "site = ANY (%s) AND hour >= %s AND hour < %s"
_SUMS = ", ".join(
    [
        *(f"sum({name}){'::bigint' if name in _INTEGERS else ''}" for name in SUMMED),
        "max(peak)",
        "min(first)",
        "max(last)",
        "sum(location_grams)",
        "sum(market_grams)",
        'min("begin")',
        f'bool_or("begin" < hour::bigint * {HOUR})',
    ]
)
_OVERLAPPING = f"""
    SELECT DISTINCT site FROM (
        SELECT site, "begin" < lag(last) OVER (PARTITION BY site ORDER BY hour) AS reaches_back
        FROM sites.hour WHERE {_CHOSEN}) neighbours
    WHERE reaches_back
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
    chosen = (list(sites), start, end)
    query = f"SELECT site, hour, {_NAMES} FROM sites.hour WHERE {_CHOSEN} ORDER BY hour"
    found = {(site, hour): piece_of(row) for site, hour, *row in connection.execute(query, chosen)}
    query = f"SELECT site, hour, source, origin, {_AMOUNTS} FROM sites.part WHERE {_CHOSEN}"
    for site, hour, source, origin, *row in connection.execute(query, chosen):
        if (site, hour) in found:
            found[site, hour].parts[source, origin] = Part(*row)
    return [(site, hour, piece) for (site, hour), piece in found.items()]


def site_sums(
    connection: Connection[Any], sites: Sequence[int], start: int, end: int, *, by_source: bool
) -> list[SiteSum]:
    """As `Store.site_sums`."""
    chosen = (list(sites), start, end)
    query = f"SELECT site, {_SUMS} FROM sites.hour WHERE {_CHOSEN} GROUP BY site"
    found = connection.execute(query, chosen).fetchall()
    overlapping = set[int]()
    if any(reaching_back for *_, reaching_back in found):
        overlapping = {site for (site,) in connection.execute(_OVERLAPPING, chosen)}
    parts = _parts(connection, chosen) if by_source else {}
    return [
        SiteSum(site, sum_of(row, parts.get(site) if by_source else None), begin, site in overlapping)
        for site, *row, begin, _ in found
    ]


def _parts(connection: Connection[Any], chosen: tuple[object, ...]) -> dict[int, dict[tuple[str, str], Part]]:
    sums = ", ".join(f"sum({name})" for name in _AMOUNTS.split(", "))
    query = f"SELECT site, source, origin, {sums} FROM sites.part WHERE {_CHOSEN} GROUP BY site, source, origin"
    parts: dict[int, dict[tuple[str, str], Part]] = {}
    for site, source, origin, *row in connection.execute(query, chosen):
        parts.setdefault(site, {})[source, origin] = Part(*row)
    return parts


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
    _copy(connection, f"hour (site, hour, {_NAMES})", [(site, hour, *hour_row(piece)) for site, hour, piece in kept])
    _copy(
        connection,
        f"part (site, hour, source, origin, {_AMOUNTS})",
        [
            (site, hour, *kind, part.kwh, part.facility_kwh, part.location_grams, part.market_grams)
            for site, hour, piece in kept
            for kind, part in piece.parts.items()
        ],
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
    stored = _stored_amounts(connection, keys)
    differences: dict[tuple[int, str], tuple[float, float | None]] = {}
    for site, hour, piece in hours:
        before, after = stored.get((site, hour), {}), amounts_of(piece) if piece else {}
        for source in before.keys() | after.keys():
            (old_kwh, old), (new_kwh, new) = before.get(source, (0.0, None)), after.get(source, (0.0, None))
            kwh, amount = differences.get((site, source), (0.0, None))
            if old is not None or new is not None:
                amount = (amount or 0.0) + (new or 0.0) - (old or 0.0)
            differences[site, source] = (kwh + new_kwh - old_kwh, amount)
    connection.cursor().executemany(
        "INSERT INTO sites.total VALUES (%s, %s, %s, %s) ON CONFLICT (site, source) DO UPDATE SET"
        " kwh = total.kwh + excluded.kwh, amount = CASE WHEN excluded.amount IS NULL THEN total.amount"
        " ELSE coalesce(total.amount, 0) + excluded.amount END",
        [(*key, *difference) for key, difference in sorted(differences.items())],
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
