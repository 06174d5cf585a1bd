"""Sites in a real Neo4j. Only where `LARGE_SERVICES` is set: it takes half a minute of CPU."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests import services
from tests.background import BackgroundServer, free_port
from tests.plugins.sites.conftest import reading

pytestmark = pytest.mark.slow
LAUNCHER = Path(__file__).with_name("Neo4jServer.java")
PACKAGES = ("java.nio", "sun.nio.ch", "java.io", "java.util.concurrent")
CONSUMPTION = """
    MATCH (site:MiningSite)-[each:CONSUMES_ENERGY]->(grid:Grid)
    RETURN site.id AS site, site.region AS region, each.kwh AS kwh, grid.name AS grid ORDER BY site
"""
SOURCES = """
    MATCH (site:MiningSite)-[uses:USES_SOURCE]->(source:PowerSource)
    RETURN site.id AS site, source.type AS type, uses.share AS share ORDER BY site, type
"""
MIX = [{"type": "grid", "share": 0.6}, {"type": "solar", "share": 0.4}]


@pytest.fixture
def graph(tmp_path, eventually):
    """A driver of an empty graph, with the address of its server."""
    if not services.wants_large():
        pytest.skip("Neo4j is large: set LARGE_SERVICES=1 to test with it")
    neo4j = pytest.importorskip("neo4j", reason="pip install energy-collector[sites]")
    if shutil.which("java") is None or (jars := services.jars(services.NEO4J)) is None:
        pytest.skip(f"{services.NEO4J} is missing: LARGE_SERVICES=1 python tests/services.py install")
    port = free_port()
    opened = (f"--add-opens=java.base/{each}=ALL-UNNAMED" for each in PACKAGES)
    command = ("java", "-Xmx300m", *opened, "-cp", f"{jars}/*", str(LAUNCHER), str(tmp_path / "graph"), str(port))
    server = BackgroundServer(command, tmp_path, end_signal="KILL")
    with neo4j.GraphDatabase.driver(f"bolt://127.0.0.1:{port}") as driver:

        def answers():
            assert not server.has_ended()
            try:
                driver.verify_connectivity()
            except (neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError):
                return False
            return True

        eventually(answers, 240)
        yield driver, f"bolt://127.0.0.1:{port}"
    server.stop()


async def test_the_graph_is_what_holds_now_and_a_repeat_adds_nothing(serving, eventually, graph):
    driver, url = graph

    def asked(query):
        return [tuple(record.values()) for record in driver.execute_query(query).records]

    async with serving(neo4j={"url": url}) as client:
        await client.register("a", region="texas", zone="US-TX", sources=MIX)
        await client.register("b", region="texas")
        await client.send(reading(20 * 3600, 60_000.0), reading(21 * 3600, 60_000.0))

        async def written_in_the_next_hour():
            before = client.harness.collector._graph._written_in
            await client.run(advance=3600)

            def is_written():
                client.harness.run(advance=1)
                return client.harness.collector._graph._written_in > before

            await asyncio.to_thread(eventually, is_written)

        for _ in range(2):
            await written_in_the_next_hour()
            assert asked(CONSUMPTION) == [("a", "texas", 2.0, "US-TX"), ("b", "texas", 0.0, "texas")]
            assert asked(SOURCES) == [("a", "grid", 0.6), ("a", "solar", 0.4)]
        await client.patch("sites/a", {"zone": "US-CAL-CISO", "sources": [{"type": "hydro", "share": 1.0}]})
        await written_in_the_next_hour()
        assert [grid for *_, grid in asked(CONSUMPTION)] == ["US-CAL-CISO", "texas"]
        assert asked(SOURCES) == [("a", "hydro", 1.0)]
        assert asked("MATCH (site:MiningSite) RETURN count(site)") == [(2,)]
