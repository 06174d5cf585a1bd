"""What is published of the sites: the sums of everything, and the last readings while they are fresh."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from collector_core import Readings
from collector_core.metering import JOULES_PER_KWH
from collector_plugins.sites import metrics
from collector_plugins.sites.config import Config
from collector_plugins.sites.entity import entities
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site, Source
from collector_plugins.sites.source_names import usual_name
from collector_plugins.sites.store import Latest, Store, Total, add_known, sum_known
from collector_plugins.sites.sustainability import PERIOD, Scores

SHARES_PAUSE = 100  # times as long as computing them took
FRESH = 600_000  # milliseconds: what is older says nothing about now


class Look(NamedTuple):
    """What a store says at a moment."""

    totals: list[Total]
    latest: list[Latest]


class Shares(NamedTuple):
    """Scores of entities, and shares of renewable energy of sites."""

    scores: dict[str, float]
    renewable: dict[str, float]


class Now(NamedTuple):
    """A site as its last readings say: TH/s, watts."""

    hashrate: float | None = None
    power: float | None = None


class Publisher:
    """Adds the series of all sites to a run; counters never fall while it lives."""

    def __init__(self, service: SiteService, config: Config) -> None:
        self._service = service
        self._config = config
        self._currency = config.currency
        self._shares = Shares({}, {})
        self._shares_due = 0
        self._renewal: Future[Shares] | None = None
        self._published: dict[str, float] = {}

    def look(self, store: Store) -> Look:
        """What is needed of the store."""
        return Look(store.totals(), store.latest())

    async def renew_shares(self, seconds: float) -> None:
        """Compute scores and shares again once that has cost little of the time since; wait that long for them."""
        if self._renewal is None and self._service.now >= self._shares_due:
            self._renewal = self._service.look(self._compute_shares)
        if self._renewal is not None:
            await asyncio.wait([asyncio.wrap_future(self._renewal)], timeout=seconds)
            if self._renewal.done():
                renewal, self._renewal = self._renewal, None
                self._shares = renewal.result()

    def _compute_shares(self, store: Store) -> Shares:
        began = time.monotonic()
        end = self._service.now
        sites = self._service.sites
        scores = Scores(self._service, self._config, store, (end - PERIOD, end), sites.values())
        found = {name: scores.describe(name, inside)["score"] for name, inside in entities(self._service).items()}
        renewable = {name: scores.renewable_ratio(site) for name, site in sites.items()}
        self._shares_due = end + round((time.monotonic() - began) * 1000 * SHARES_PAUSE)
        return Shares(
            {name: score for name, score in found.items() if score is not None},
            {name: ratio for name, ratio in renewable.items() if ratio is not None},
        )

    def publish(self, out: Readings, look: Look) -> None:
        """Add all series."""
        for entity, score in self._shares.scores.items():
            out.add(metrics.SCORE, score, entity=entity)
        for site, ratio in self._shares.renewable.items():
            out.add(metrics.RENEWABLE, ratio, site=site)
        by_number = {site.number: site for site in self._service.sites.values()}
        self._publish_totals(out, by_number, look.totals)
        self._publish_latest(out, by_number, look.latest)
        self._publish_limits(out, by_number.values())

    def publish_counts(self, out: Readings) -> None:
        """Add what has become of readings, which needs no store."""
        for result, count in self._service.ingest.counts.items():
            out.add(metrics.INGESTED, count, result=result)

    def _publish_totals(self, out: Readings, sites: dict[int, Site], totals: Iterable[Total]) -> None:
        cost: float | None = None
        for number, source, kwh, amount in totals:
            if (site := sites.get(number)) is None:
                continue
            if source:
                if amount is not None:
                    out.add(metrics.EMISSIONS, amount, site=site.id, source=source)
                continue
            region = site.terms_at(self._service.now).region or ""
            out.add(metrics.CONSUMPTION, kwh, site=site.id, region=region)
            out.add(metrics.ENERGY, self._risen(site.id, kwh * JOULES_PER_KWH), site=site.id, region=region)
            cost = add_known(cost, amount)
        if cost is not None:
            out.add(metrics.COST, self._risen("", cost), currency=self._currency)

    def _risen(self, name: str, value: float) -> float:
        """A counter's value: late readings and changed prices may lower a sum, but a counter never falls."""
        self._published[name] = max(0.0, value, self._published.get(name, 0.0))
        return self._published[name]

    def _publish_latest(self, out: Readings, sites: dict[int, Site], latest: Iterable[Latest]) -> None:
        now = self._service.now
        by_site: dict[int, list[Latest]] = {}
        for each in latest:
            by_site.setdefault(each.site, []).append(each)
        network: float | None = None
        for number, meters in by_site.items():
            if (site := sites.get(number)) is None:
                continue
            newest = max(meter.row.time for meter in meters)
            out.add(metrics.READING_AGE, max(0.0, (now - newest) / 1000), site=site.id)
            current = _now([meter for meter in meters if now - meter.row.time <= FRESH])
            _publish_now(out, site.id, current)
            network = add_known(network, current.hashrate)
        if network is not None:
            out.add(metrics.NETWORK_HASHRATE, network)

    def _publish_limits(self, out: Readings, sites: Iterable[Site]) -> None:
        now = self._service.now
        for site in sites:
            terms = site.terms_at(now)
            if terms.capacity_watts is not None:
                out.add(metrics.CAPACITY, terms.capacity_watts, site=site.id)
            if terms.grid_connection_watts is not None:
                out.add(metrics.CONNECTION, terms.grid_connection_watts, site=site.id)
            if terms.sources:
                promised = [each.share for each in terms.sources if not each.certificate and self._is_renewable(each)]
                out.add(metrics.PROMISED, min(1.0, sum(promised)), site=site.id)

    def _is_renewable(self, source: Source) -> bool:
        return usual_name(source.type) in self._config.renewables


def _publish_now(out: Readings, site: str, current: Now) -> None:
    if current.hashrate is not None:
        out.add(metrics.HASHRATE, current.hashrate, site=site)
    if current.power is not None:
        out.add(metrics.POWER, current.power, site=site)
        if current.hashrate:
            out.add(metrics.EFFICIENCY, current.power / current.hashrate, site=site)


def _now(meters: Sequence[Latest]) -> Now:
    """Power and hash rate of the meters together; a meter that only has a total says its power by the one before."""
    return Now(sum_known(meter.row.hashrate for meter in meters), sum_known(meter.power for meter in meters))
