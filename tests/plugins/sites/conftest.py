"""A collector with its routes served on loopback, on a clock that tests move."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from collector_core.testing import serve_routes
from collector_core.testing.harness import FakeClock, Harness
from collector_plugins.sites import Sites

NOW = 1_767_225_600  # 2026-01-01T00:00:00Z
JSON = {"Content-Type": "application/json"}


class Client:
    """Requests to the collector, each answered as (status, document)."""

    def __init__(self, harness, session):
        self.harness = harness
        self.session = session

    async def request(self, method, path, body=None, **options):
        async with self.session.request(method, f"/api/v1/{path}", json=body, **options) as response:
            return response.status, await response.json()

    async def get(self, path, **parameters):
        return await self.request("GET", path, params=parameters)

    async def post(self, path, body):
        return await self.request("POST", path, body)

    async def patch(self, path, body):
        return await self.request("PATCH", path, body)

    async def register(self, site, **terms):
        status, answer = await self.post("sites", {"id": site, **terms})
        assert status == 201, answer
        return answer

    async def send(self, *readings):
        status, answer = await self.post("ingest/telemetry", {"readings": list(readings)})
        assert status == 202, answer
        return answer

    async def metrics(self, site, **parameters):
        status, answer = await self.get(f"metrics/site/{site}", **parameters)
        assert status == 200, answer
        return answer

    async def run(self, advance=0.0):
        """One run of the collector, on a thread because it has a loop of its own."""
        return await asyncio.to_thread(self.harness.run, advance=advance)


def reading(seconds, power=1000.0, site="a", **more):
    """A reading `seconds` after midnight of 2026-01-01."""
    return {"site_id": site, "timestamp": NOW + seconds, "power_watts": power, **more}


def total(seconds, kwh, site="a", **more):
    """A reading of a meter's total."""
    return {"site_id": site, "timestamp": NOW + seconds, "energy_kwh": kwh, **more}


def moment(seconds):
    """RFC 3339 of a time after midnight."""
    from collector_plugins.sites.fields import rfc3339

    return rfc3339((NOW + seconds) * 1000)


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def stored():
    """The options of where sites are kept: by default in a file."""
    return {}


@pytest.fixture
def database(postgres):
    """A new database whose user may make tables."""
    postgres.execute(f"GRANT CREATE ON DATABASE {postgres.name} TO {postgres.user}")
    return postgres


@pytest.fixture
def serving(state, stored):
    """Makes a client of a collector; call it again for the collector after a restart."""

    @contextlib.asynccontextmanager
    async def serve(now=NOW + 86_400, **options):
        harness = Harness(Sites, clock=FakeClock(wall_time=float(now)), **{**stored, **options})
        try:
            async with serve_routes(harness.collector.collector_routes()) as session:
                yield Client(harness, session)
        finally:
            await asyncio.to_thread(harness.close)

    return serve
