"""The document says all that is answered: requests made from it get answers that it describes, and never a 500."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from collector_core import History
from collector_core.testing import serve_routes
from collector_core.testing.harness import FakeClock, Harness
from collector_plugins.sites import Sites
from collector_plugins.sites.api import Api
from collector_plugins.sites.config import Config
from collector_plugins.sites.openapi import describe
from tests.plugins.sites.conftest import NOW

schemathesis = pytest.importorskip("schemathesis", reason="pip install --editable '.[dev]'")
requests = pytest.importorskip("requests")
conformance = pytest.importorskip("schemathesis.specs.openapi.checks")

ENDPOINTS = Api(Config(), None, History(), None).endpoints
DOCUMENT = describe(ENDPOINTS)
CHECKS = [
    pytest.importorskip("schemathesis.checks").not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_schema_conformance,
]


@pytest.fixture(scope="module")
def base_url(tmp_path_factory):
    """A collector with one site, served by a thread of its own for all tests."""
    started, stop, found = threading.Event(), threading.Event(), {}

    async def serve():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
            harness = Harness(Sites, clock=FakeClock(wall_time=float(NOW)))
            async with serve_routes(harness.collector.collector_routes()) as session:
                await session.post("/api/v1/sites", json={"id": "a", "region": "north", "operator": "x"})
                found["url"] = str(session._base_url)
                started.set()
                await asyncio.to_thread(stop.wait)
            await asyncio.to_thread(harness.close)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(60)
    yield found["url"].rstrip("/")
    stop.set()
    thread.join()


def operations():
    return [each.ok() for each in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]


@pytest.mark.parametrize("operation", operations(), ids=lambda each: f"{each.method} {each.path}")
def test_every_answer_is_as_the_document_says(operation, base_url):
    @given(case=operation.as_strategy())
    @settings(max_examples=10, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def run(case):
        case.call_and_validate(base_url=base_url, session=session, checks=CHECKS, timeout=30)

    with requests.Session() as session:
        run()


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_nonsense_gets_an_answer_that_helps(method, base_url):
    import urllib.error
    import urllib.request

    for path in (
        "ingest/telemetry",
        "sites",
        "sites/%00",
        "metrics/site/%ff",
        "analytics/carbon/%ED%A0%80",
        "forecast/custom",
    ):
        request = urllib.request.Request(
            f"{base_url}/api/v1/{path}?limit=%ff&x=%00",
            data=b"\xff\x00{" if method == "POST" else None,
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        assert 400 <= refused.value.code < 500
        refused.value.close()


def test_the_document_knows_every_route_and_status():
    paths = {(method.upper(), path) for path, each in DOCUMENT["paths"].items() for method in each}
    routes = {(route.method, route.path) for route in Api(Config(), None, History(), None).routes()}
    assert routes - paths == {("GET", "/api/v1/openapi.json")}
    for each in DOCUMENT["paths"].values():
        for method, operation in each.items():
            assert {"401", "403", "429", "503"} <= set(operation["responses"])
            assert method == "get" or {"400", "413", "415"} <= set(operation["responses"])
    assert DOCUMENT["openapi"].startswith("3.1")
