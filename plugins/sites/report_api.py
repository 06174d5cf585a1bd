"""The handlers that report: metrics of sites and groups, carbon, sustainability, grid impact."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from collector_core import ApiError
from collector_plugins.sites import answers, carbon
from collector_plugins.sites.access import Access, json_answer, text_answer
from collector_plugins.sites.config import Config
from collector_plugins.sites.endpoint import Endpoint
from collector_plugins.sites.entity import sites_in, sites_of
from collector_plugins.sites.forecasting import MIDDLE, forecast, past_points
from collector_plugins.sites.grid_impact import GridQuery, grid_impact
from collector_plugins.sites.periods import PeriodQuery, SteppedQuery
from collector_plugins.sites.site_metrics import AggregateQuery, Money, aggregate, site_metrics
from collector_plugins.sites.store import HOUR, Store
from collector_plugins.sites.sustainability import PERIOD, Scores

if TYPE_CHECKING:
    from aiohttp import web

DAY_SECONDS = 86_400.0


class ReportApi:
    """Reports over the readings of a period."""

    def __init__(self, config: Config, access: Access) -> None:
        self._config = config
        self._money = Money(config.currency, config.hash_price)
        self._access = access

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        """All endpoints."""
        return [
            Endpoint(
                "GET",
                "/metrics/site/{site_id}",
                "What a site did in a period",
                self.site_metrics,
                answers.SiteMetrics,
                query=SteppedQuery,
                refusals=(404,),
            ),
            Endpoint(
                "GET",
                "/metrics/aggregate",
                "What all sites did, by group",
                self.aggregate,
                answers.AggregateAnswer,
                query=AggregateQuery,
            ),
            Endpoint(
                "GET",
                "/analytics/carbon/{entity}",
                "What a site, region or operator emitted",
                self.carbon,
                answers.CarbonAnswer,
                query=carbon.CarbonQuery,
                refusals=(404,),
                answer_types=("application/json", "text/csv", "text/markdown"),
            ),
            Endpoint(
                "GET",
                "/analytics/sustainability/{entity}",
                "The score of a site, region or operator",
                self.sustainability,
                answers.SustainabilityAnswer,
                query=PeriodQuery,
                refusals=(404,),
            ),
            Endpoint(
                "GET",
                "/analytics/grid-impact",
                "What the sites of a region mean to its grid",
                self.grid_impact,
                answers.GridImpactAnswer,
                query=GridQuery,
                refusals=(404,),
            ),
        ]

    async def site_metrics(self, request: web.Request) -> web.Response:
        """What a site did."""
        query = SteppedQuery.parse(request.query)
        site, service = await self._access.site(request), await self._access.ready()
        return json_answer(await self._access.ask(lambda store: site_metrics(service, store, site, query, self._money)))

    async def aggregate(self, request: web.Request) -> web.Response:
        """What all sites did."""
        query = AggregateQuery.parse(request.query)
        service = await self._access.ready()
        answer = self._access.report if query.wants_series else self._access.ask  # series may take seconds
        return json_answer(await answer(lambda store: aggregate(service, store, query, self._money)))

    async def carbon(self, request: web.Request) -> web.Response:
        """What an entity emitted."""
        query = carbon.CarbonQuery.parse(request.query)
        service = await self._access.ready()
        entity = request.match_info["entity"]
        sites = await self._access.find(lambda service: sites_of(service, entity))
        renewables = self._config.renewables
        report = await self._access.report(
            lambda store: carbon.carbon(service, store, entity, sites, query, renewables=renewables)
        )
        if query.format == "csv":
            return text_answer(carbon.as_csv(report), "text/csv")
        if query.format == "md":
            return text_answer(carbon.as_markdown(report), "text/markdown")
        return json_answer(report)

    async def sustainability(self, request: web.Request) -> web.Response:
        """The score of an entity."""
        query = PeriodQuery.parse(request.query)
        service = await self._access.ready()
        entity = request.match_info["entity"]
        sites = await self._access.find(lambda service: sites_of(service, entity))
        start, end = query.period(service.now, PERIOD)

        def describe(store: Store) -> dict[str, Any]:
            scores = Scores(service, self._config, store, (start, end), sites)
            return {**scores.describe(entity, sites), "coverage_ratio": scores.coverage(sites)}

        return json_answer(await self._access.report(describe))

    async def grid_impact(self, request: web.Request) -> web.Response:
        """What a region's sites mean to its grid."""
        query = GridQuery.parse(request.query)
        service = await self._access.ready()
        sites = await self._access.find(lambda service: sites_in(service, query.region))
        found = await self._access.report(lambda store: grid_impact(service, store, sites, query))
        points = await self._access.report(lambda store: past_points(service, store, sites, "load", HOUR))
        peak: float | None = None
        with suppress(ApiError):  # too little to forecast from
            ahead = await asyncio.to_thread(forecast, points, DAY_SECONDS, HOUR / 1000)
            peak = max(value for _, value in ahead.points[MIDDLE])
        return json_answer({**found, "forecast_peak_watts": peak})
