"""Sites as a graph in Neo4j: a mirror, merged once an hour, so that a repeat changes nothing."""

from __future__ import annotations

from asyncio import to_thread, wrap_future
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from collector_core import BackgroundTask, Backoff, NotAvailable, Reason, describe
from collector_core.storage import StorageError
from collector_plugins.sites.fields import rfc3339
from collector_plugins.sites.neo4j_options import Neo4jOptions
from collector_plugins.sites.periods import DAY, site_totals
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import HOUR, Piece

EXTRA = "pip install 'energy-collector[sites]'"
TIMEOUT_SECONDS = 10.0
ROWS_AT_ONCE = 1000
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds from a failure to the next try
UNIQUE = "CREATE CONSTRAINT IF NOT EXISTS FOR (node:{}) REQUIRE node.{} IS UNIQUE"
KEYS = {"MiningSite": "id", "Grid": "name", "PowerSource": "type"}
SITES = """
UNWIND $rows AS row
MERGE (site:MiningSite {id: row.id})
SET site.name = row.name, site.operator = row.operator, site.region = row.region
MERGE (grid:Grid {name: row.grid})
MERGE (site)-[consumes:CONSUMES_ENERGY]->(grid)
SET consumes.kwh = row.kwh, consumes.from = datetime(row.from), consumes.to = datetime(row.to)
WITH site, grid
MATCH (site)-[old:CONSUMES_ENERGY]->(other:Grid) WHERE other <> grid
DELETE old
"""
SOURCES = """
UNWIND $rows AS row
MATCH (site:MiningSite {id: row.site})
MERGE (source:PowerSource {type: row.type})
MERGE (site)-[uses:USES_SOURCE]->(source)
SET uses.share = row.share
"""
FORMER_SOURCES = """
UNWIND $rows AS row
MATCH (:MiningSite {id: row.id})-[old:USES_SOURCE]->(source:PowerSource) WHERE NOT source.type IN row.sources
DELETE old
"""

Rows = list[dict[str, Any]]


class Neo4jMirror:
    """Keeps the graph up to date in the background; `trouble` is why that fails now."""

    def __init__(self, options: Neo4jOptions, service: SiteService) -> None:
        self.trouble: NotAvailable | None = None
        self._options = options
        self._service = service
        self._background = BackgroundTask()
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        self._written_in = -1

    def start(self) -> None:
        """Write what a new hour brings, unless that goes on or has just failed."""
        is_due = self._service.now // HOUR != self._written_in and self._backoff.due(self._service.now / 1000)
        if is_due and not self._background.is_busy:
            self._background.start(self._renew())

    async def close(self) -> None:
        """Stop."""
        await self._background.close()

    async def _renew(self) -> None:
        hour = self._service.now // HOUR
        try:
            await self._write(hour * HOUR)
        except (NotAvailable, StorageError) as error:
            self._backoff.failed(self._service.now / 1000)
            if not isinstance(error, StorageError):  # which is told of elsewhere
                self.trouble = error
            return
        self._backoff.succeeded()
        self._written_in, self.trouble = hour, None

    async def _write(self, end: int) -> None:
        service, start = self._service, end - DAY
        sites = list(service.sites.values())
        totals = await wrap_future(
            service.look(lambda store: site_totals(service, store, sites, start, end, by_source=False))
        )
        await to_thread(write, self._options, site_rows(sites, totals, start, end), source_rows(sites, end))


def site_rows(sites: Sequence[Site], totals: Mapping[str, Piece], start: int, end: int) -> Rows:
    """What is written of each site: what it is, and the energy of a period."""
    found = []
    for site in sites:
        terms = site.terms_at(end)
        found.append(
            {
                "id": site.id,
                "name": terms.name or site.id,
                "operator": terms.operator,
                "region": terms.region,
                "grid": terms.zone or terms.region or "unknown",
                "kwh": totals[site.id].kwh,
                "from": rfc3339(start),
                "to": rfc3339(end),
                "sources": [source.type for source in terms.sources],
            }
        )
    return found


def source_rows(sites: Sequence[Site], moment: int) -> Rows:
    """What is written of the sources that sites have at a moment."""
    return [
        {"site": site.id, "type": source.type, "share": source.share}
        for site in sites
        for source in site.terms_at(moment).sources
    ]


def write(options: Neo4jOptions, sites: Rows, sources: Rows) -> None:
    """Merge rows into the graph; raises `NotAvailable`."""
    try:
        from neo4j import GraphDatabase  # noqa: PLC0415 - needed only where Neo4j is configured
        from neo4j.exceptions import AuthError, ClientError, DriverError, Neo4jError  # noqa: PLC0415
    except ImportError as error:
        raise NotAvailable(Reason.NOT_FOUND, f"the driver of Neo4j cannot be imported: {error}", fix=EXTRA) from None
    password = options.password
    auth = (options.user, password.get_secret_value()) if password is not None else None
    try:
        with (
            GraphDatabase.driver(options.url, auth=auth, connection_timeout=TIMEOUT_SECONDS) as driver,
            driver.session(database=options.database) as session,
        ):
            driver.verify_connectivity()  # after three refusals a server only says that there were too many
            for label, key in KEYS.items():
                with suppress(ClientError):  # not everybody may make one; merging works without
                    session.run(UNIQUE.format(label, key)).consume()
            for statement, rows in ((SITES, sites), (SOURCES, sources), (FORMER_SOURCES, sites)):
                for first in range(0, len(rows), ROWS_AT_ONCE):
                    session.run(statement, rows=rows[first : first + ROWS_AT_ONCE]).consume()
    except AuthError:
        detail, fix = f"{options.url}: user or password is wrong", "correct `neo4j.user` and `neo4j.password`"
        raise NotAvailable(Reason.AUTH, detail, fix=fix) from None
    except (DriverError, Neo4jError, OSError) as error:
        detail = f"{options.url}: {describe(error)}"
        raise NotAvailable(Reason.UNREACHABLE, detail, fix="start Neo4j, or correct `neo4j.url`") from None
