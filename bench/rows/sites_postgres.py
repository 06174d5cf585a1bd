"""Sites in PostgreSQL: batches over HTTP to the disk, beside a plain script that copies the same ones."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from http.client import HTTPConnection

from bench import postgres
from bench.effort import Effort
from bench.figures import Figure, Goal
from bench.programs import energy_collector
from tests.postgres import Database

SITES = 1000
BATCH = 10_000
BATCHES = 5
MOST_PAIRS = 3
KEPT = "sites_ingested_readings_total"
GOAL = Goal(bar=0.5, stretch=0.7, more=True)
TABLE = """
    CREATE TABLE plain (
        site text NOT NULL, time timestamptz NOT NULL, power double precision, hashrate double precision,
        PRIMARY KEY (site, time)
    )
"""


def measure(effort: Effort) -> list[Figure]:
    """Readings a second, ours and theirs in turn."""
    with postgres.database() as (database, folder):
        database.execute(f"GRANT CREATE ON DATABASE {database.name} TO {database.user}")
        database.execute(TABLE)
        options = {"options": {"database": database.url(), "auto_register": True}}
        environment = {"XDG_STATE_HOME": str(folder)}
        with energy_collector({"sites": options}, until=KEPT, environment=environment, history=False) as program:
            return [_figure(database, program.port, min(effort.pairs, MOST_PAIRS))]


def _figure(database: Database, port: int, pairs: int) -> Figure:
    now = round(time.time())
    ours, theirs = list[float](), list[float]()
    _send(port, [_body(now - 86_400)])  # registers the sites and their meters
    for pair in range(pairs):
        bodies = [_body(now - 60 * (pair * BATCHES + number)) for number in range(BATCHES)]
        ours.append(BATCH * BATCHES / _send(port, bodies))
        theirs.append(BATCH * BATCHES / _copy(database, bodies))
    title = f"batches of {BATCH} readings over HTTP into PostgreSQL"
    note = "one after the other; theirs: a plain script that parses and copies the same, a COPY and a COMMIT each"
    return Figure("sites", title, "readings/s", ours, theirs, GOAL, note)


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


def _send(port: int, bodies: list[bytes]) -> float:
    """Seconds until the last of them is on disk."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.connect()
    before = time.perf_counter()
    for body in bodies:
        connection.request("POST", "/api/v1/ingest/telemetry", body, {"Content-Type": "application/json"})
        answer = json.load(connection.getresponse())
        assert answer["accepted"] == BATCH, answer
    seconds = time.perf_counter() - before
    connection.close()
    return seconds


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
