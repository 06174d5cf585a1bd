"""Questions to the tables of hours, in SQL that all databases here understand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from collector_plugins.sites.hour_columns import NAMES, PART_NAMES, PART_SUMS, SUMS, piece_of, sum_of
from collector_plugins.sites.store import HourMeans, Part, Piece, SiteMeans, SiteSum

Ask = Callable[[str, Sequence[Any]], Iterable[Any]]
"""Runs a query with its parameters; gives the rows."""


class HourQueries:
    """Asks for hours of sites: those for which `chosen` holds; others that it holds for, too, are left out.

    `hours` and `parts` are tables, and `kind` the columns that tell the parts of an hour apart.
    """

    def __init__(self, ask: Ask, *, hours: str, parts: str, kind: str) -> None:
        self._ask = ask
        self._hours = hours
        self._parts = parts
        self._kind = kind

    def hours(self, sites: Sequence[int], chosen: str, parameters: Sequence[Any]) -> list[tuple[int, int, Piece]]:
        """As `Store.hours`."""
        wanted = set(sites)
        query = f"SELECT site, hour, {NAMES} FROM {self._hours} WHERE {chosen} ORDER BY hour"  # noqa: S608
        found = {(site, hour): piece_of(row) for site, hour, *row in self._ask(query, parameters) if site in wanted}
        query = f"SELECT site, hour, source, origin, {PART_NAMES} FROM {self._parts} WHERE {chosen}"  # noqa: S608
        for site, hour, source, origin, *amounts in self._ask(query, parameters):
            if (site, hour) in found:
                found[site, hour].parts[source, origin] = Part(*amounts)
        return [(site, hour, piece) for (site, hour), piece in found.items()]

    def ends(self, sites: Sequence[int], chosen: str, parameters: Sequence[Any]) -> list[tuple[int, int, int]]:
        """As `Store.hour_ends`, of the one hour that is chosen."""
        wanted = set(sites)
        query = f"SELECT site, first, last FROM {self._hours} WHERE {chosen}"  # noqa: S608
        return [(site, first, last) for site, first, last in self._ask(query, parameters) if site in wanted]

    def digests(self, chosen: str, parameters: Sequence[Any]) -> dict[tuple[int, int], bytes | None]:
        """The hashes that are kept of hours (site, hour); `chosen` holds for no other sites here."""
        query = f"SELECT site, hour, digest FROM {self._hours} WHERE {chosen}"  # noqa: S608
        return {(site, hour): digest or None for site, hour, digest in self._ask(query, parameters)}

    def site_sums(
        self, sites: Sequence[int], chosen: str, parameters: Sequence[Any], *, by_source: bool
    ) -> list[SiteSum]:
        """As `Store.site_sums`."""
        wanted = set(sites)
        query = f"SELECT site, {SUMS} FROM {self._hours} WHERE {chosen} GROUP BY site"  # noqa: S608
        found = [row for row in self._ask(query, parameters) if row[0] in wanted]
        overlapping = set[int]()
        if any(reaching_back for *_, reaching_back in found):
            overlapping = self._overlapping(chosen, parameters)
        parts = self._summed_parts(chosen, parameters) if by_source else {}
        return [
            SiteSum(site, sum_of(row, parts.get(site) if by_source else None), begin, site in overlapping)
            for site, *row, begin, _ in found
        ]

    def fresh_means(self, chosen: str, parameters: Sequence[Any], stale: str) -> list[HourMeans]:
        """As `Store.fresh_means`; `chosen` holds for no other sites here, and `stale` is the table of stale hours."""
        query = (
            "SELECT hour, sum(power_joules / nullif(power_seconds, 0)), sum(terahashes / nullif(hash_seconds, 0))"  # noqa: S608
            f" FROM {self._hours} h WHERE {chosen}"
            f" AND NOT EXISTS (SELECT 1 FROM {stale} s WHERE s.site = h.site AND s.hour = h.hour) GROUP BY hour"
        )
        return [HourMeans(*row) for row in self._ask(query, parameters)]

    def site_means(self, chosen: str, parameters: Sequence[Any]) -> list[SiteMeans]:
        """As `Store.site_means`; `chosen` holds for no other sites here."""
        query = (
            "SELECT site, hour, kwh, power_joules / nullif(power_seconds, 0), terahashes / nullif(hash_seconds, 0)"  # noqa: S608
            f" FROM {self._hours} WHERE {chosen}"
        )
        return list(map(SiteMeans._make, self._ask(query, parameters)))

    def _overlapping(self, chosen: str, parameters: Sequence[Any]) -> set[int]:
        query = (
            "SELECT DISTINCT site FROM (SELECT site,"  # noqa: S608
            ' "begin" < lag(last) OVER (PARTITION BY site ORDER BY hour) AS reaches_back'
            f" FROM {self._hours} WHERE {chosen}) AS neighbours WHERE reaches_back"
        )
        return {site for (site,) in self._ask(query, parameters)}

    def _summed_parts(self, chosen: str, parameters: Sequence[Any]) -> dict[int, dict[tuple[str, str], Part]]:
        query = (
            f"SELECT site, source, origin, {PART_SUMS} FROM {self._parts}"  # noqa: S608
            f" WHERE {chosen} GROUP BY site, {self._kind}"
        )
        parts: dict[int, dict[tuple[str, str], Part]] = {}
        for site, source, origin, *amounts in self._ask(query, parameters):
            parts.setdefault(site, {})[source, origin] = Part(*amounts)
        return parts
