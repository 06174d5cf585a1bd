"""Sites in PostgreSQL: batches from JSON to the disk, beside a plain script that copies the same ones."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import postgres
from bench.effort import Effort
from bench.figures import Figure, Goal
from collector_core.model.clock import SystemClock
from collector_plugins.sites.body import JSON, parse_batch
from collector_plugins.sites.config import Config
from collector_plugins.sites.database import make_store
from collector_plugins.sites.factors import Factors
from collector_plugins.sites.service import SiteService
from tests.postgres import Database

SITES = 1000
BATCH = 10_000
BATCHES = 5
MOST_PAIRS = 3
GOAL = Goal(bar=0.5, stretch=0.7, more=True)
TABLE = """
    CREATE TABLE plain (
        site text NOT NULL, time timestamptz NOT NULL, power double precision, hashrate double precision,
        PRIMARY KEY (site, time)
    )
"""


def measure(effort: Effort) -> list[Figure]:
    """Readings a second, ours and theirs in turn, each into an empty table."""
    with postgres.database() as (database, folder):
        database.execute(f"GRANT CREATE ON DATABASE {database.name} TO {database.user}")
        database.execute(TABLE)
        return [_figure(database, folder, min(effort.pairs, MOST_PAIRS))]


def _figure(database: Database, folder: Path, pairs: int) -> Figure:
    now = round(time.time())
    bodies = [_body(now - 60 * number) for number in range(BATCHES)]
    service = _service(database, folder)
    service.load().result()
    ours, theirs = list[float](), list[float]()
    try:
        service.ingest.submit(_parsed(_body(now - 86_400))).result()  # registers the sites and their meters
        for _ in range(pairs):
            ours.append(BATCH * BATCHES / _send(service, bodies))
            theirs.append(BATCH * BATCHES / _copy(database, bodies))
            database.execute("TRUNCATE plain, sites.reading")
    finally:
        service.close()
    title = f"batches of {BATCH} readings into PostgreSQL"
    note = "from JSON to the disk; theirs: a plain script that parses and copies the same, a COPY and a COMMIT each"
    return Figure("sites", title, "readings/s", ours, theirs, GOAL, note)


def _service(database: Database, folder: Path) -> SiteService:
    config = Config.model_validate({"database": database.url()})
    url = config.database_url
    assert url is not None
    return SiteService(
        lambda read_only: make_store(config, url, folder, read_only=read_only),
        Factors(),
        SystemClock(),
        retention=86_400.0 * 400,
        auto_register=True,
    )


def _body(newest: int) -> bytes:
    """Ten readings of each site, one a second."""
    readings = [
        {
            "site_id": f"site-{each % SITES}",
            "timestamp": newest - each // SITES,
            "power_watts": 1e6 + each,
            "hashrate_th": 33_000.0,
            "interval_seconds": 1,
        }
        for each in range(BATCH)
    ]
    return json.dumps({"readings": readings}).encode()


def _parsed(body: bytes) -> list[Any]:
    return parse_batch(body, JSON)


def _send(service: SiteService, bodies: list[bytes]) -> float:
    before = time.perf_counter()
    for body in bodies:
        outcome = service.ingest.submit(_parsed(body)).result()
        assert outcome.accepted == BATCH
    return time.perf_counter() - before


def _copy(database: Database, bodies: list[bytes]) -> float:
    """Seconds of what people write."""
    before = time.perf_counter()
    with database.server.connect(database.name) as connection:
        for body in bodies:
            readings = json.loads(body)["readings"]
            with connection.cursor() as cursor, cursor.copy("COPY plain FROM STDIN") as copy:
                for each in readings:
                    when = datetime.fromtimestamp(each["timestamp"], UTC)
                    copy.write_row((each["site_id"], when, each["power_watts"], each["hashrate_th"]))
    return time.perf_counter() - before
