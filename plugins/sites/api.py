"""The handlers of `/api/v1`: they read requests, ask the service and write answers."""

from __future__ import annotations

from asyncio import wrap_future
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from collector_core import Field, History, Query, TokenGuard, nonblocking
from collector_core.storage import StorageError
from collector_plugins.sites import answers
from collector_plugins.sites.access import Access, json_answer
from collector_plugins.sites.body import JSON, MAX_READING_BYTES, NDJSON, parse_batch, parse_json, read_body
from collector_plugins.sites.config import Config
from collector_plugins.sites.cors import Cors
from collector_plugins.sites.endpoint import DOCUMENT, PREFIX, Endpoint, explained, parse_model, refuse
from collector_plugins.sites.forecast_api import ForecastApi
from collector_plugins.sites.forecasting import Kind
from collector_plugins.sites.ingest import UNKNOWN_SITE, Outcome
from collector_plugins.sites.openapi import describe
from collector_plugins.sites.reading import Reading
from collector_plugins.sites.report_api import ReportApi
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import SiteCreate, SitePatch

if TYPE_CHECKING:
    from aiohttp import web


def _cursor(text: object) -> str:
    try:
        return b64decode(str(text).encode(), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise ValueError("must be what `next` said") from None


class PageQuery(Query):
    """The parameters of a list."""

    limit: int = Field(100, ge=1, le=1000)
    cursor: Annotated[str | None, BeforeValidator(_cursor), WithJsonSchema({"type": "string"})] = None


class Api:
    """Answers requests from the service's data; `asked` hears whose forecast somebody wants."""

    def __init__(
        self, config: Config, service: SiteService, history: History, asked: Callable[[str, Kind], None]
    ) -> None:
        self._service = service
        self._access = Access(service)
        self._reports = ReportApi(config, self._access)
        self._forecasts = ForecastApi(config, self._access, history, asked)
        self._guard = TokenGuard(config.token, "token: …")
        self._registers = config.auto_register
        self._is_read_by_others = bool(config.cors)
        self._cors = Cors(config.cors)

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        """All endpoints."""
        return [
            Endpoint(
                "POST",
                "/ingest/telemetry",
                "Send up to 10,000 readings",
                self.ingest_batch,
                answers.IngestAnswer,
                202,
                body=Reading,
                body_types=(JSON, NDJSON),
                refusals=(400, 413, 415),
            ),
            Endpoint(
                "POST",
                "/ingest/realtime",
                "Send one reading",
                self.ingest_one,
                answers.IngestAnswer,
                202,
                body=Reading,
                refusals=(400, 404, 413, 415),
                is_nonblocking=True,
            ),
            Endpoint("GET", "/sites", "List sites", self.list_sites, answers.SitesAnswer, query=PageQuery),
            Endpoint(
                "POST",
                "/sites",
                "Register a site",
                self.register,
                answers.SiteAnswer,
                201,
                body=SiteCreate,
                refusals=(400, 409, 413, 415),
            ),
            Endpoint(
                "GET", "/sites/{site_id}", "A site and its history", self.show, answers.SiteAnswer, refusals=(404,)
            ),
            Endpoint(
                "PATCH",
                "/sites/{site_id}",
                "Change a site",
                self.change,
                answers.SiteAnswer,
                body=SitePatch,
                refusals=(400, 404, 413, 415),
            ),
            *self._reports.endpoints,
            *self._forecasts.endpoints,
        ]

    def routes(self) -> list[web.RouteDef]:
        """The routes of all endpoints, and of the document that describes them."""
        from aiohttp import web  # noqa: PLC0415 - only where something is served

        routes = [web.get(DOCUMENT, self._cors.readable(explained(self.document)))]
        for endpoint in self.endpoints:
            handler = explained(endpoint.handler)
            guarded = self._guard.guarded(handler) if endpoint.writes else self._cors.readable(handler)
            served = nonblocking(guarded) if endpoint.is_nonblocking else guarded
            routes.append(web.route(endpoint.method, PREFIX + endpoint.path, served))
        if self._is_read_by_others:
            preflight = explained(self._cors.preflight)
            paths = {DOCUMENT, *(PREFIX + endpoint.path for endpoint in self.endpoints if not endpoint.writes)}
            routes += [web.options(path, preflight) for path in sorted(paths)]
        return routes

    async def document(self, request: web.Request) -> web.Response:
        """The OpenAPI document."""
        del request
        return json_answer(describe(self.endpoints))

    async def ingest_batch(self, request: web.Request) -> web.Response:
        """Take a batch."""
        items = parse_batch(await read_body(request, types=(JSON, NDJSON)), request.content_type)
        service = await self._access.ready()
        with suppress(StorageError):  # what is known is taken all the same
            await self._find_sites(items)
        outcome = await service.ingest.take(items)
        if items and len(outcome.rejected) == len(items):
            first = outcome.rejected[0]
            error = refuse(400, f"no reading was taken; the first: {first.error}", first.field)
            error.body |= _told(outcome)
            raise error
        return json_answer(_told(outcome), 202)

    async def ingest_one(self, request: web.Request) -> web.Response:
        """Take one reading."""
        items = [parse_json(await read_body(request, limit=MAX_READING_BYTES))]
        service = await self._access.ready()
        await self._find_sites(items)
        outcome = await service.ingest.take(items)
        for problem in outcome.rejected:
            raise refuse(404 if problem.error == UNKNOWN_SITE else 400, problem.error, problem.field)
        return json_answer(_told(outcome), 202)

    async def list_sites(self, request: web.Request) -> web.Response:
        """A page of sites, in the order of their ids."""
        query = PageQuery.parse(request.query)
        await self._access.ready()
        after = query.cursor or ""
        found = [site for name, site in sorted(self._service.sites.items()) if name > after]
        page = found[: query.limit]
        cursor = urlsafe_b64encode(page[-1].id.encode()).decode() if len(found) > len(page) else None
        return json_answer({"sites": [site.describe(self._service.now) for site in page], "next": cursor})

    async def register(self, request: web.Request) -> web.Response:
        """Register a site."""
        wanted = parse_model(SiteCreate, await read_body(request))
        await self._access.ready()
        site = await wrap_future(self._service.register(wanted))
        return json_answer(site.describe(self._service.now), 201)

    async def show(self, request: web.Request) -> web.Response:
        """A site."""
        return json_answer((await self._access.site(request)).describe(self._service.now))

    async def change(self, request: web.Request) -> web.Response:
        """Change a site."""
        site = await self._access.site(request)
        wanted = parse_model(SitePatch, await read_body(request))
        changed = await wrap_future(self._service.change(site.id, wanted))
        return json_answer(changed.describe(self._service.now))

    async def _find_sites(self, items: list[Any]) -> None:
        """Look for the sites of readings where some are not known; raises `StorageError`."""
        names = {each["site_id"] for each in items if isinstance(each, dict) and isinstance(each.get("site_id"), str)}
        if not self._registers and not names <= self._service.sites.keys():
            await self._service.find_new_sites()


def _told(outcome: Outcome) -> dict[str, Any]:
    rejected = [asdict(each) for each in outcome.rejected]
    return {"accepted": outcome.accepted, "duplicates": outcome.duplicates, "rejected": rejected}
