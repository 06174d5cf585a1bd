"""Sites as a graph: what is written of them, and a server that is away."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

import pytest

from collector_core import NotAvailable, Reason
from collector_plugins.sites import neo4j_mirror
from collector_plugins.sites.config import Config
from collector_plugins.sites.neo4j_mirror import site_rows, source_rows, write
from collector_plugins.sites.site import Change, Site
from collector_plugins.sites.store import Piece
from tests.plugins.sites.conftest import NOW, moment, reading

SOURCES = [{"type": "grid", "share": 0.6}, {"type": "solar", "share": 0.4}]


def test_a_site_is_written_with_its_energy_its_grid_and_its_sources():
    sites = [
        Site(1, "a", [Change(0, {"zone": "US-TX", "region": "texas", "operator": "acme", "sources": SOURCES})]),
        Site(2, "b", [Change(0, {"region": "north", "name": "B"}), Change(NOW * 1000 + 1, {"name": "later"})]),
        Site(3, "c", [Change(0, {})]),
    ]
    totals = {"a": Piece(kwh=5.0), "b": Piece(), "c": Piece()}
    first, second, third = site_rows(sites, totals, (NOW - 60) * 1000, NOW * 1000)
    assert first == {
        "id": "a",
        "name": "a",
        "operator": "acme",
        "region": "texas",
        "grid": "US-TX",
        "kwh": 5.0,
        "from": moment(-60),
        "to": moment(0),
        "sources": ["grid", "solar"],
    }
    assert (second["grid"], second["name"], third["grid"]) == ("north", "B", "unknown")
    assert source_rows(sites, NOW * 1000) == [{"site": "a", **each} for each in SOURCES]


async def test_a_graph_that_is_away_holds_up_nothing_and_is_told_of(serving, eventually):
    pytest.importorskip("neo4j", reason="pip install energy-collector[sites]")
    async with serving(neo4j={"url": "bolt://127.0.0.1:1", "password": "canary"}) as client:
        await client.register("a")
        assert (await client.send(reading(60)))["accepted"] == 1
        graph = client.harness.collector._graph
        await client.run()

        def is_told():
            client.harness.run(advance=1)
            return client.harness.part_failures

        (failure,) = await asyncio.to_thread(eventually, is_told)
        assert (failure.labels, failure.error.reason) == ({"part": "neo4j"}, Reason.UNREACHABLE)
        assert "canary" not in f"{failure.error.detail} {failure.error.fix} {graph._options!r}"


async def test_a_graph_that_was_away_is_written_within_minutes(serving, eventually, monkeypatch):
    written = []

    def write_or_fail(options, sites, sources):
        written.append([row["id"] for row in sites])
        if len(written) == 1:
            raise NotAvailable(Reason.UNREACHABLE, "away", fix="wait")

    monkeypatch.setattr(neo4j_mirror, "write", write_or_fail)
    async with serving(neo4j={"url": "bolt://127.0.0.1:1"}) as client:
        await client.register("a")

        def runs(seconds, *, fail):
            client.harness.run(advance=seconds)
            return bool(client.harness.part_failures) is fail

        await asyncio.to_thread(eventually, lambda: runs(1, fail=True))
        await asyncio.to_thread(eventually, lambda: runs(10, fail=False))
        await client.run(advance=120)
        assert written == [["a"], ["a"]]


class RefusingServer(threading.Thread):
    """Speaks so much Bolt 5.0 that it refuses three passwords, and then everybody for a while."""

    CODES = ("Unauthorized",) * 3 + ("AuthenticationRateLimit",) * 9

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"bolt://127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self):
        for code in self.CODES:
            with suppress(OSError), self.listener.accept()[0] as connection:
                connection.recv(20)
                connection.sendall(bytes((0, 0, 0, 5)))
                connection.recv(4096)
                connection.sendall(_failure(f"Neo.ClientError.Security.{code}"))


def _failure(code):
    text = bytes((0xD0, len(code))) + code.encode()
    body = b"\xb1\x7f\xa2\x84code" + text + b"\x87message" + text
    return len(body).to_bytes(2, "big") + body + b"\0\0"


def test_a_wrong_password_is_called_that_though_the_server_refuses_all_after_three():
    pytest.importorskip("neo4j", reason="pip install energy-collector[sites]")
    server = RefusingServer()
    server.start()
    with server.listener, pytest.raises(NotAvailable) as refused:
        write(Config(neo4j={"url": server.url, "password": "canary"}).neo4j, [{"id": "a"}], [])
    assert (refused.value.reason, "canary" in refused.value.detail) == (Reason.AUTH, False)


@pytest.mark.parametrize("url", ["graph:7687", "http://graph:7474", "bolt://", "bolt://u:canary@graph"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match="neo4j"):
        Config(neo4j={"url": url})
