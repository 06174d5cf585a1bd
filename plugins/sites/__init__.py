"""Sites that send readings: their energy, emissions and cost, kept and answered over HTTP."""

from __future__ import annotations

from asyncio import to_thread, wrap_future
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from collector_core import Collector, Context, NotAvailable, Readings, Reason, hookimpl
from collector_plugins.sites import metrics
from collector_plugins.sites.api import Api
from collector_plugins.sites.config import Config
from collector_plugins.sites.factors import Factors
from collector_plugins.sites.grids import Grids
from collector_plugins.sites.local import LocalMeter
from collector_plugins.sites.miners import Miners
from collector_plugins.sites.outlook import Outlooks
from collector_plugins.sites.publishing import Publisher
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import SiteCreate
from collector_plugins.sites.sqlite_store import SqliteStore
from collector_plugins.sites.store import Store

if TYPE_CHECKING:
    from aiohttp import web

    from collector_plugins.sites.kafka_stream import KafkaStream
    from collector_plugins.sites.neo4j_mirror import Neo4jMirror

FILE = "sites.db"
ROLL_UP_SHARE = 0.4  # of the timeout; what is left is done by the next run
SEAL_SHARE = 0.1
DELETE_SHARE = 0.1
SHARES_SHARE = 0.2


class Sites(Collector[Config]):
    """Takes readings of sites over HTTP, keeps them on disk and publishes what they add up to."""

    name = "sites"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 5.0
    default_timeout = 10.0
    default_max_series = 50_000

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._service = SiteService(
            self._make_store,
            Factors(config.country),
            ctx.clock,
            retention=config.retention,
            auto_register=config.auto_register,
        )
        self._grids = Grids(self._service)
        self._publisher = Publisher(self._service, config)
        self._stream = _stream(config, self._service)
        tell = self._stream.send if self._stream is not None else None
        self._outlooks = Outlooks(self._service, config.retrain_every, tell)
        self._api = Api(config, self._service, ctx.history, self._outlooks.ask)
        self._graph = _graph(config, self._service)
        self._has_told = False
        self._miners = Miners(ctx, config.miners) if config.miners else None
        self._local = LocalMeter(config.local.site, ctx.clock) if config.local else None

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never there by itself: sites send their readings only where somebody wants them."""
        del ctx
        return NotAvailable(Reason.NOT_FOUND, "disabled by default", fix="add `sites: {}` to `collectors:`")

    async def open(self) -> None:
        """Open the store; raises `StorageError`."""
        self._tell_what_has_no_effect()
        if self.ctx.keeps_running:
            await wrap_future(self._service.load())
            if self._stream is not None:
                self._stream.start()
        else:
            await wrap_future(self._service.load_to_read())

    async def collect(self, out: Readings) -> None:
        """Bring the sums up to date and publish them; raises `StorageError`."""
        self._grids.record(self.ctx.published())
        if self.config.database_url is None:
            await self._work_and_publish(out)
        else:
            await self._watch_database(out)
        self._publisher.publish_counts(out)
        if self._stream is not None and self.ctx.keeps_running:
            self._stream.publish(out)
            with out.part(part="kafka"):
                self._stream.check()
        if self._graph is not None and self._graph.trouble is not None:
            with out.part(part="neo4j"):
                raise self._graph.trouble

    async def _work_and_publish(self, out: Readings) -> None:
        if self.ctx.keeps_running:
            await self._take_own_reading()
            await self._ask_miners(out)
            await self._grids.keep()
            await self._service.roll_up(self.ctx.timeout * ROLL_UP_SHARE)
            await self._service.seal(self.ctx.timeout * SEAL_SHARE)
            await self._service.delete_old(self.ctx.timeout * DELETE_SHARE)
            self._outlooks.start()
            if self._graph is not None:
                self._graph.start()
        await self._publisher.renew_shares(self.ctx.timeout * SHARES_SHARE)
        self._publisher.publish(out, await wrap_future(self._service.read(self._publisher.look)))
        self._outlooks.publish(out)

    async def _watch_database(self, out: Readings) -> None:
        """While the database is away, the rest of the collector goes on."""
        is_up = False
        with out.part(part="database"):
            await self._work_and_publish(out)
            is_up = True
        if self.ctx.keeps_running:
            out.add(metrics.WAITING, await wrap_future(self._service.write(lambda store: store.waiting)))
        out.add(metrics.DATABASE_UP, is_up)

    async def close(self) -> None:
        """Close the store; a request opens it again."""
        if self._stream is not None:
            await to_thread(self._stream.close)
        await self._outlooks.close()
        if self._graph is not None:
            await self._graph.close()
        if self._miners is not None:
            await self._miners.close()
        self._service.close()

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """All endpoints."""
        return self._api.routes()

    def _tell_what_has_no_effect(self) -> None:
        """Once: a collector is opened again after failures."""
        if self._has_told or not self.ctx.keeps_running:
            return
        self._has_told = True
        with suppress(ValueError):  # the file has gone since it was read
            if names := self.config.variables_without_effect():
                self.ctx.logger.info("%s: without effect here: %s", self.config.env_file, ", ".join(names))

    async def _take_own_reading(self) -> None:
        if self._local is None or self.config.local is None:
            return
        await self._service.ensure(SiteCreate(id=self.config.local.site))
        if reading := self._local.reading(self.ctx.energy_meters()):
            await wrap_future(self._service.ingest.submit([reading]))

    async def _ask_miners(self, out: Readings) -> None:
        if self._miners is None:
            return
        for site in self._miners.sites:
            await self._service.ensure(SiteCreate(id=site))
        if readings := await self._miners.read(out):
            await wrap_future(self._service.ingest.submit(readings))

    def _make_store(self, read_only: bool) -> Store:
        if (url := self.config.database_url) is None:
            return SqliteStore(self.ctx.state_dir / FILE, read_only=read_only)
        from collector_plugins.sites.database import make_store  # noqa: PLC0415 - only where there is one

        return make_store(self.config, url, self.ctx.state_dir, read_only=read_only)


def _stream(config: Config, service: SiteService) -> KafkaStream | None:
    if config.kafka is None:
        return None
    from collector_plugins.sites.kafka_stream import KafkaStream  # noqa: PLC0415 - only where it is configured

    return KafkaStream(config.kafka, service)


def _graph(config: Config, service: SiteService) -> Neo4jMirror | None:
    if config.neo4j is None:
        return None
    from collector_plugins.sites.neo4j_mirror import Neo4jMirror  # noqa: PLC0415 - only where it is configured

    return Neo4jMirror(config.neo4j, service)


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Sites]


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """Three simulated sites."""
    from collector_plugins.sites.demo import DemoSites  # noqa: PLC0415 - it is a collector of this module's

    return [DemoSites]
