"""The handlers that forecast; what takes longer is done in the background and fetched later."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from collector_core import History, HistoryUnavailable
from collector_plugins.sites import answers
from collector_plugins.sites.access import Access, json_answer
from collector_plugins.sites.body import read_body
from collector_plugins.sites.config import Config
from collector_plugins.sites.endpoint import Endpoint, parse_model, refuse, unavailable
from collector_plugins.sites.forecasting import (
    CustomForecast,
    ForecastQuery,
    Kind,
    Points,
    asked_sites,
    check_horizon,
    describe,
    forecast,
    past_points,
    selected_points,
)
from collector_plugins.sites.naive import naive

if TYPE_CHECKING:
    from aiohttp import web

PATIENCE_SECONDS = 8.0  # a handler has 10
MOST_JOBS = 20


class ForecastApi:
    """Forecasts of what comes next; `asked` hears of each site that can be forecast and is asked for."""

    def __init__(self, config: Config, access: Access, history: History, asked: Callable[[str, Kind], None]) -> None:
        self._config = config
        self._history = history
        self._access = access
        self._asked = asked
        self._jobs: dict[str, asyncio.Task[dict[str, Any]]] = {}

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        """All endpoints."""
        return [
            Endpoint(
                "GET",
                "/forecast/load",
                "Power of a site, or of all, in watts",
                self.load,
                answers.ForecastAnswer,
                query=ForecastQuery,
                refusals=(404, 409),
            ),
            Endpoint(
                "GET",
                "/forecast/hashrate",
                "Hash rate of a site, or of all, in TH/s",
                self.hashrate,
                answers.ForecastAnswer,
                query=ForecastQuery,
                refusals=(404, 409),
            ),
            Endpoint(
                "POST",
                "/forecast/custom",
                "A series of your own, or of the history",
                self.custom,
                answers.ForecastAnswer,
                body=CustomForecast,
                refusals=(400, 409, 413, 415),
                pending=answers.ForecastPending,
            ),
            Endpoint(
                "GET",
                "/forecast/custom/{job}",
                "A forecast that took longer",
                self.fetch,
                answers.ForecastAnswer,
                refusals=(400, 404, 409),
                pending=answers.ForecastPending,
            ),
        ]

    async def load(self, request: web.Request) -> web.Response:
        """Power."""
        return await self._sites(request, "load")

    async def hashrate(self, request: web.Request) -> web.Response:
        """Hash rate."""
        return await self._sites(request, "hashrate")

    async def custom(self, request: web.Request) -> web.Response:
        """A series of the caller."""
        wanted: CustomForecast = parse_model(CustomForecast, await read_body(request))
        check_horizon(wanted.horizon * 1000, wanted.step_seconds * 1000, self._config.forecast_days)
        if sum(not job.done() for job in self._jobs.values()) >= MOST_JOBS:
            raise refuse(503, "too many forecasts are under way", "request", "ask again later", Retry_After="10")
        while len(self._jobs) >= MOST_JOBS:
            self._jobs.pop(next(name for name, job in self._jobs.items() if job.done()))
        name = secrets.token_urlsafe(12)
        self._jobs[name] = job = asyncio.create_task(asyncio.to_thread(self._forecast, wanted))
        try:
            return await self._result(name)
        finally:
            if job.done():
                self._jobs.pop(name, None)  # others may have made room

    async def fetch(self, request: web.Request) -> web.Response:
        """What became of a forecast."""
        return await self._result(request.match_info["job"])

    async def _result(self, name: str) -> web.Response:
        """The forecast, or that it takes longer."""
        if name not in self._jobs:
            raise refuse(404, "there is no such forecast", "job", "ask for it again with POST /api/v1/forecast/custom")
        job = self._jobs[name]
        await asyncio.wait([job], timeout=PATIENCE_SECONDS)
        if not job.done():
            return json_answer({"id": name}, 202)
        return json_answer(job.result())

    def _forecast(self, wanted: CustomForecast) -> dict[str, Any]:
        points = self._points(wanted)
        if wanted.model == "naive":
            season = wanted.seasonalities[0] if wanted.seasonalities else None
            found = naive(points, wanted.horizon, wanted.step, season)
        else:
            model = "" if wanted.model == "auto" else wanted.model
            found = forecast(points, wanted.horizon, wanted.step, model, wanted.seasonalities)
        return describe(found, self._access.now)

    def _points(self, wanted: CustomForecast) -> Points:
        if wanted.selector is None:
            return [(point.t / 1000, point.value) for point in wanted.series or ()]
        try:
            return selected_points(self._history, wanted.selector, wanted.step_seconds, self._access.now / 1000)
        except HistoryUnavailable as error:
            raise unavailable(error.detail, error.fix or "ask again later") from None

    async def _sites(self, request: web.Request, kind: Kind) -> web.Response:
        query = ForecastQuery.parse(request.query)
        check_horizon(query.horizon, query.step, self._config.forecast_days)
        service = await self._access.ready()
        sites = await self._access.find(lambda service: asked_sites(service, query.site))
        points = await self._access.report(lambda store: past_points(service, store, sites, kind, query.step))
        step = query.step / 1000
        found = await asyncio.to_thread(forecast, points, query.horizon / 1000, step)
        if query.site in service.sites:
            self._asked(query.site, kind)
        return json_answer(describe(found, service.now))
