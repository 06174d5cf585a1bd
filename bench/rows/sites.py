"""Sites on the embedded store: readings a second, in batches and one by one, and answers over a thousand sites.

A month of hourly sums is written as the collector keeps them; the readings that are sent come through the same door as
those of a request, from JSON to the disk.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.rows import sites_http
from collector_core.model.clock import SystemClock
from collector_plugins.sites.body import parse_batch
from collector_plugins.sites.factors import Factors
from collector_plugins.sites.fields import rfc3339
from collector_plugins.sites.periods import SteppedQuery
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Change
from collector_plugins.sites.site_metrics import AggregateQuery, Money, aggregate, site_metrics
from collector_plugins.sites.sqlite_store import SqliteStore
from collector_plugins.sites.store import HOUR, Part, Piece, Store

SITES = 1000
BATCH = 10_000
SENDERS = 100
MOST_DAYS = 30


def measure(effort: Effort) -> list[Figure]:
    """Batches, single readings, an aggregate of a day, and a site's month by the hour."""
    with TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder, "sites.db")
        days = min(MOST_DAYS, effort.history_days)
        now = round(time.time() * 1000) // HOUR * HOUR
        _fill(path, now // HOUR, days)
        service = SiteService(
            lambda read_only: SqliteStore(path, read_only=read_only),
            Factors(),
            SystemClock(),
            retention=86_400.0 * 400,
            auto_register=False,
        )
        service.load().result()
        try:
            return [
                _batches(service, now, effort.pairs),
                *asyncio.run(_singles(service, now)),
                *_answers(service, now, days, effort.pairs),
                *sites_http.measure(effort),
            ]
        finally:
            service.close()


def _fill(path: Path, end: int, days: int) -> None:
    store = SqliteStore(path)
    store.open()
    sources = [{"type": "grid", "share": 0.6}, {"type": "solar", "share": 0.4}]
    for number in range(SITES):
        terms = {"region": f"region-{number % 10}", "zone": "DE", "price_per_kwh": 0.1, "sources": sources}
        store.add_site(f"site-{number}", Change(0, terms))
    numbers = [site.number for site in store.sites()]
    for hour in range(end - 24 * days, end):
        store.put_hours([(number, hour, _hour(hour)) for number in numbers])
    store.close()


def _hour(hour: int) -> Piece:
    begin, end = hour * HOUR, (hour + 1) * HOUR
    parts = {
        ("grid", "owid_DE"): Part(600.0, 660.0, 2.5e5, 2.5e5),
        ("solar", "ipcc_ar5_2014"): Part(400.0, 440.0, 2e4, 2e4),
    }
    return Piece(
        60,
        1000.0,
        1100.0,
        110.0,
        3.6e9,
        3600.0,
        1.1e6,
        1.2e8,
        3600.0,
        3600.0,
        begin + 60_000,
        end,
        [(begin, end)],
        parts,
    )


def _batches(service: SiteService, now: int, rounds: int) -> Figure:
    """Thread time would leave out the writer's: this is all CPU time of the process."""
    rates = []
    for number in range(rounds):
        readings = [_reading(each % SITES, now - 3600_000 * number - 1000 * (each // SITES)) for each in range(BATCH)]
        body = json.dumps({"readings": readings}).encode()
        began = time.process_time()
        outcome = service.ingest.submit(parse_batch(body, "application/json")).result()
        rates.append(outcome.accepted / (time.process_time() - began))
    title = f"batches of {BATCH} readings, from JSON to the disk, a second of CPU"
    return Figure("sites", title, "readings/s", rates, (), Goal(20_000, 40_000, more=True))


def _reading(number: int, moment: int) -> dict[str, Any]:
    return {"site_id": f"site-{number}", "timestamp": moment / 1000, "power_watts": 1e6, "hashrate_th": 33_000.0}


async def _singles(service: SiteService, now: int) -> list[Figure]:
    """Single readings of many senders at once, each waiting for the disk before its next."""
    waits: list[float] = []

    async def send(sender: int) -> None:
        for number in range(20):
            began = time.perf_counter()
            reading = {**_reading(sender, now - 60_000 * number), "meter": "single"}
            await asyncio.wrap_future(service.ingest.submit([reading]))
            waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(send(sender) for sender in range(SENDERS)))
    rate = len(waits) / (time.perf_counter() - began)
    note = f"{SENDERS} senders, each of which waits until its reading is on disk; without HTTP"
    return [
        Figure("sites", "single readings", "readings/s", [rate], (), Goal(1000, 3000, more=True), note),
        Figure("sites", "99th percentile of their wait", "ms", [quantiles(waits, n=100)[98] * 1000], (), Goal(50, 20)),
    ]


def _answers(service: SiteService, now: int, days: int, rounds: int) -> list[Figure]:
    day = {"from": rfc3339(now - 24 * HOUR), "to": rfc3339(now)}
    month = {"from": rfc3339(now - 24 * days * HOUR), "to": rfc3339(now)}
    asyncio.run(service.roll_up(600.0))
    by_region, by_hour = AggregateQuery.parse(day), SteppedQuery.parse(month)
    site, money = service.site("site-7"), Money("EUR")
    return [
        Figure(
            "sites",
            f"{SITES} sites by region over a day",
            "ms",
            _times(service, lambda store: aggregate(service, store, by_region, money), rounds),
            (),
            Goal(200, 100),
        ),
        Figure(
            "sites",
            f"a site's {days} days by the hour",
            "ms",
            _times(service, lambda store: site_metrics(service, store, site, by_hour, money), rounds),
            (),
            Goal(100, 50),
        ),
    ]


def _times(service: SiteService, question: Callable[[Store], dict[str, Any]], rounds: int) -> list[float]:
    """Milliseconds of some answers, as JSON."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        json.dumps(service.read(question).result())
        found.append((time.perf_counter() - began) * 1000)
    return found
