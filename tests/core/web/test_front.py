"""Scrapers and health checks are answered before aiohttp is loaded, as it would answer; all others get to it."""

import asyncio
import logging
import re
import socket
import struct
import sys
import threading
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import hdrs
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser
from hypothesis import example, given
from hypothesis import strategies as st

from collector_core import Collector, Gauge
from collector_core.engine.app import App
from collector_core.exposition.formats import Encoding
from collector_core.model.readings import Layout, Snapshot
from collector_core.web import front_connection
from collector_core.web.answers import Answers, ReadyAnswer
from collector_core.web.application import make_web_app
from collector_core.web.known_hosts import KnownHosts
from collector_core.web.limits import DEFAULT_LIMITS, Limits
from collector_core.web.plain_requests import MAX_BYTES, Ask, PlainRequests, all_paths
from collector_core.web.routes import Routes
from collector_core.web.successor import AiohttpSuccessor
from tests.core.web.site import (
    SOON,
    Eventually,
    Fronted,
    answer_to,
    connection,
    fronted,
    limits,
    one_answer,
    open_on,
    till_closed,
)

LOAD = Gauge("lamp_load", "Load.")
OTHER = Gauge("other_load", "Load.")


class Lamp(Collector):
    """One series."""

    name = "lamp"
    metrics = (LOAD,)

    def collect(self, out):
        out.add(LOAD, 1)


def get(path: str = "/metrics", *fields: str, version: str = "HTTP/1.1", method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} {version}", "Host: localhost:9877", *fields, "", ""]).encode()


CLOSE = "Connection: close"
PROMETHEUS = (
    "User-Agent: Prometheus/3.5.0",
    "Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3",
    "Accept-Encoding: gzip",
    "X-Prometheus-Scrape-Timeout-Seconds: 10",
)
PLAIN = {
    "curl": get("/metrics", "User-Agent: curl/8", "Accept: */*"),
    "prometheus": get("/metrics", *PROMETHEUS),
    "gzip": get("/metrics", "Accept-Encoding: gzip"),
    "healthz": get("/healthz", "User-Agent: kube-probe/1.33", "Accept: */*"),
    "readyz": get("/readyz"),
    "closed": get("/metrics", CLOSE),
    "kept": get("/readyz", "connection: Keep-Alive"),
}
UNUSUAL = {
    "another path": get("/"),
    "an unknown path": get("/nothing"),
    "a query": get("/metrics?name=x"),
    "HEAD": get("/metrics", method="HEAD"),
    "POST": get("/metrics", "Content-Length: 0", method="POST"),
    "HTTP/1.0": get(version="HTTP/1.0"),
    "an absolute URL": get("http://localhost/metrics"),
    "no host": b"GET /metrics HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "an empty host": b"GET /metrics HTTP/1.1\r\nHost:\r\n\r\n",
    "two hosts": get("/metrics", "Host: b"),
    "the host of a page": b"GET /metrics HTTP/1.1\r\nHost: rebound.example.com\r\n\r\n",
    "an unknown field": get("/metrics", "X-Forwarded-For: 10.0.0.1"),
    "a length": get("/metrics", "Content-Length: 2") + b"ab",
    "chunks": get("/metrics", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "an upgrade": get("/metrics", "Connection: upgrade", "Upgrade: websocket"),
    "an expectation": get("/metrics", "Expect: 100-continue"),
    "a field of its connection": get("/metrics", "Connection: close, Accept"),
    "a folded field": get("/metrics", "Accept: text/plain,", " text/html"),
    "a space before the colon": get("/metrics", "Accept : */*"),
    "a lone line feed": b"GET /metrics HTTP/1.1\nHost: a\n\n",
    "a carriage return within": get("/metrics", "Accept: a\rb"),
    "bytes beyond ASCII": get("/metrics", "User-Agent: é"),
    "a long one": get("/metrics", "User-Agent: " + "x" * MAX_BYTES),
    "two at once": get() + get("/metrics", CLOSE),
    "not HTTP": b"\x16\x03\x01\x02\x00",
}


@pytest.fixture
async def app(instance: Callable[..., object]) -> AsyncIterator[App]:
    made = App(root=Path("/"))
    made.add(instance(Lamp)).run_now()
    yield made
    made.stop(0.5)


@pytest.fixture
async def start(app: App) -> AsyncIterator[Callable[..., object]]:
    """Serves the app behind a front, with these limits."""
    runners: list[Fronted] = []

    async def serve(limits: Limits = DEFAULT_LIMITS) -> Fronted:
        requests = PlainRequests(all_paths(Answers(app)), KnownHosts())
        runners.append(await fronted(make_web_app(app, Routes(app)), requests, limits))
        return runners[-1]

    yield serve
    for runner in runners:
        await runner.cleanup()


def comparable(answer: bytes) -> bytes:
    """Without what tells the time or the program."""
    return re.sub(rb"(?:Date|Server): [^\r]*\r\n", b"", answer)


@pytest.mark.parametrize("request_bytes", PLAIN.values(), ids=PLAIN)
async def test_the_front_answers_what_aiohttp_would(start, request_bytes: bytes) -> None:
    runner = await start()
    closing = request_bytes if b"close" in request_bytes else request_bytes[:-2] + CLOSE.encode() + b"\r\n\r\n"
    if b"eep-" in request_bytes:
        closing = get("/readyz", CLOSE)
    ours = await answer_to(runner, closing)
    assert runner.loads == 0
    theirs = await answer_to(runner, closing.replace(b"Host", b"X-Other: 1\r\nHost"))
    assert runner.loads == 1
    assert comparable(ours) == comparable(theirs)
    assert ours.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("request_bytes", UNUSUAL.values(), ids=UNUSUAL)
async def test_what_is_unusual_gets_to_aiohttp_untouched(start, request_bytes: bytes) -> None:
    runner = await start(limits())
    async with connection(runner) as (reader, writer):
        writer.write(request_bytes)
        writer.write_eof()
        answer = await till_closed(reader)
    assert runner.loads == 1
    assert not answer or b"Server: Python" in answer or b"100 Continue" in answer


async def test_a_request_in_pieces_gets_to_aiohttp(start, eventually: Eventually) -> None:
    runner = await start()
    async with connection(runner) as (reader, writer):
        writer.write(get()[:20])
        await eventually(lambda: runner.loads == 1)
        writer.write(get()[20:])
        assert b"lamp_load 1.0" in await one_answer(reader)


async def test_a_connection_may_change_from_one_to_the_other(start) -> None:
    runner = await start()
    async with connection(runner) as (reader, writer):
        for sent in (get(), get(), get("/api/v1/collectors"), get(), get("/page.css")):
            writer.write(sent)
            assert b" 200 OK" in await one_answer(reader)
    assert runner.loads == 1


async def test_windows_sends_head_and_body_as_one_piece(start, monkeypatch) -> None:
    runner = await start()
    monkeypatch.setattr(front_connection, "_send_together", front_connection._send_joined)
    assert b"lamp_load 1.0" in await answer_to(runner, get("/metrics", CLOSE))


async def test_a_scrape_that_is_repeated_gets_what_was_published_since(start, app: App) -> None:
    runner = await start()
    other = app.exposition.source("other", (OTHER,))
    async with connection(runner) as (reader, writer):
        writer.write(get())
        assert b"other_load" not in await one_answer(reader)
        other.publish(Snapshot(Layout({OTHER: [()]}), array("d", [7.0])))
        writer.write(get())
        assert b"other_load 7.0" in await one_answer(reader)
    assert runner.loads == 0


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Scrapes take long: until `go` is set; `asked` is set by the first one."""
    monkeypatch.setattr("collector_core.exposition.sources.SLOW_LINES", 0)
    events = SimpleNamespace(asked=threading.Event(), go=threading.Event())
    make = Answers.slow_metrics

    def wait(self: Answers, encoding: Encoding) -> ReadyAnswer:
        events.asked.set()
        events.go.wait(60)
        return make(self, encoding)

    monkeypatch.setattr(Answers, "slow_metrics", wait)
    yield events
    events.go.set()


async def test_what_takes_long_to_make_holds_nobody_up(start, slow, eventually: Eventually) -> None:
    runner = await start(limits(header_timeout=SOON))
    async with connection(runner) as (reader, writer):
        writer.write(get())
        await eventually(slow.asked.is_set)
        await asyncio.sleep(2 * SOON)  # it is not the client that is late
        assert (await answer_to(runner, get("/readyz", CLOSE))).startswith(b"HTTP/1.1 ")
        slow.go.set()
        assert b"lamp_load 1.0" in await one_answer(reader)
        writer.write(get())
        assert b"lamp_load 1.0" in await one_answer(reader)
    assert runner.loads == 0


async def test_who_got_what_takes_long_has_a_deadline_again(start, slow, eventually: Eventually) -> None:
    runner = await start(limits(idle_timeout=2 * SOON))
    async with connection(runner) as (reader, writer):
        writer.write(get("/readyz"))
        await one_answer(reader)
        writer.write(get())
        await eventually(slow.asked.is_set)
        await asyncio.sleep(3 * SOON)
        slow.go.set()
        assert b"lamp_load 1.0" in await till_closed(reader)


async def test_who_breaks_off_while_an_answer_is_made_harms_nobody(
    start, slow, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    runner = await start(limits())
    async with connection(runner) as (_, writer):
        writer.write(get())
        await eventually(slow.asked.is_set)
    slow.go.set()
    await eventually(lambda: open_on(runner) == 0)
    assert not caplog.records


async def test_what_takes_long_and_fails_ends_the_connection(start, monkeypatch, caplog) -> None:
    def fail(self: Answers, encoding: Encoding) -> ReadyAnswer:
        raise RuntimeError("a bug")

    monkeypatch.setattr("collector_core.exposition.sources.SLOW_LINES", 0)
    monkeypatch.setattr(Answers, "slow_metrics", fail)
    runner = await start(limits())
    assert not await answer_to(runner, get())
    assert "a request cannot be answered: RuntimeError: a bug" in caplog.text


async def test_what_takes_long_is_sent_before_the_server_stops(start, slow, eventually: Eventually) -> None:
    runner = await start(limits(drain_timeout=60.0))
    async with connection(runner) as (reader, writer):
        writer.write(get())
        await eventually(slow.asked.is_set)
        stopping = asyncio.create_task(runner.cleanup())
        await asyncio.sleep(SOON)
        slow.go.set()
        assert b"lamp_load 1.0" in await till_closed(reader)
        await stopping


async def test_many_who_ask_at_once_have_it_loaded_once(start) -> None:
    runner = await start()
    answers = await asyncio.gather(*(answer_to(runner, get("/", CLOSE)) for _ in range(50)))
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
    assert runner.loads == 1


async def test_loading_that_fails_costs_this_connection_and_is_tried_again(
    start, caplog: pytest.LogCaptureFixture
) -> None:
    runner = await start()
    runner.errors.append(ImportError("the disk is away"))
    assert not await answer_to(runner, get("/", CLOSE))
    assert "the disk is away" in caplog.text
    assert b" 200 OK" in await answer_to(runner, get("/metrics", CLOSE))
    assert b" 200 OK" in await answer_to(runner, get("/", CLOSE))
    assert runner.loads == 2


async def test_loading_that_fails_costs_all_who_wait_for_it_and_no_others(start, eventually: Eventually) -> None:
    runner = await start()
    begun, go = threading.Event(), threading.Event()

    def load() -> AiohttpSuccessor:
        begun.set()
        go.wait(60)
        raise ImportError("the disk is away")

    runner.front._load, whole = load, runner.front._load
    async with connection(runner) as (first, writer), connection(runner) as (second, other):
        writer.write(get("/"))
        await eventually(begun.is_set)
        other.write(get("/page.css"))
        await eventually(lambda: sum(each.awaits_successor for each in list(runner.front._connections)) == 2)
        assert b" 200 OK" in await answer_to(runner, get("/metrics", CLOSE))
        runner.front._load = whole
        go.set()
        assert (await till_closed(first), await till_closed(second)) == (b"", b"")
    assert b" 200 OK" in await answer_to(runner, get("/", CLOSE))


async def test_an_answer_that_fails_ends_the_connection_and_is_logged(
    start, monkeypatch, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Answers) -> ReadyAnswer:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Answers, "healthz", fail)
    runner = await start(limits())
    assert not await answer_to(runner, get("/healthz"))
    assert open_on(runner) == 0
    await eventually(lambda: "a bug" in caplog.text)


async def test_a_client_that_breaks_off_is_forgotten(
    start, eventually: Eventually, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Answers, "healthz", lambda self: ReadyAnswer(200, (), b"x" * (32 << 20)))
    runner = await start(limits())
    async with connection(runner) as (reader, writer):
        writer.write(get("/healthz"))
        await reader.read(1)
        linger = struct.pack("ii", 1, 0)  # closing sends a reset
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        await eventually(lambda: open_on(runner) == 0)
    assert not caplog.records


# Deadlines and numbers


async def test_who_says_nothing_gets_a_408(start) -> None:
    runner = await start(limits(header_timeout=SOON))
    assert (await answer_to(runner, b"")).startswith(b"HTTP/1.1 408 ")
    assert runner.loads == 0


async def test_an_idle_connection_has_a_deadline_of_its_own(start, eventually: Eventually) -> None:
    runner = await start(limits(header_timeout=SOON, idle_timeout=2 * SOON))
    async with connection(runner) as (reader, writer):
        writer.write(get())
        assert b" 200 OK" in await one_answer(reader)
        assert not await till_closed(reader)
    await eventually(lambda: open_on(runner) == 0)
    assert runner.loads == 0


async def test_who_does_not_read_is_cut(start, eventually: Eventually, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    huge = ReadyAnswer(200, (), b"x" * (32 << 20))
    monkeypatch.setattr(Answers, "healthz", lambda self: asked.append(1) or huge)
    runner = await start(limits(stall_timeout=SOON))
    async with connection(runner) as (_, writer):
        writer.write(get("/healthz"))
        await eventually(lambda: bool(asked))
        await eventually(lambda: open_on(runner) == 0)


async def test_who_asks_for_more_before_reading_gets_both_answers_in_turn(start, monkeypatch) -> None:
    huge = ReadyAnswer(200, (), b"x" * (32 << 20))
    monkeypatch.setattr(Answers, "healthz", lambda self: huge)
    runner = await start(limits())
    async with connection(runner) as (reader, writer):
        writer.write(get("/healthz"))
        assert await reader.read(1) == b"H"
        writer.write(get("/readyz"))
        await asyncio.sleep(0)
        assert len(await one_answer(reader)) > len(huge.body)
        assert await reader.readuntil(b"\r\n") in (b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 503 Service Unavailable\r\n")


async def test_what_was_sent_in_pieces_is_let_go(start, monkeypatch: pytest.MonkeyPatch) -> None:
    body = bytes(32 << 20)
    monkeypatch.setattr(Answers, "healthz", lambda self: ReadyAnswer(200, (), body))
    runner = await start(limits())
    async with connection(runner) as (reader, writer):
        before = sys.getrefcount(body)
        writer.write(get("/healthz"))
        assert len(await one_answer(reader)) > len(body)
        assert (open_on(runner), sys.getrefcount(body)) == (1, before)


async def test_connections_of_both_kinds_count_together(start, eventually: Eventually) -> None:
    runner = await start(limits(max_connections=2))
    async with connection(runner) as front, connection(runner) as whole:
        for (reader, writer), path in ((front, "/healthz"), (whole, "/")):
            writer.write(get(path))
            await one_answer(reader)
        assert open_on(runner) == 2
        assert (await answer_to(runner, b"")).startswith(b"HTTP/1.1 503 ")
    assert runner.refused == 1


async def test_the_connection_that_is_idle_longest_gives_way_whoever_serves_it(start) -> None:
    runner = await start(limits(max_connections=2, min_idle=0))
    async with connection(runner) as front, connection(runner) as whole:
        for (reader, writer), path in ((front, "/healthz"), (whole, "/")):
            writer.write(get(path))
            await one_answer(reader)
        assert b" 200 OK" in await answer_to(runner, get("/metrics", CLOSE))
        assert not await till_closed(front[0])


async def test_answers_are_sent_before_the_server_stops(start, monkeypatch) -> None:
    huge = ReadyAnswer(200, (), b"x" * (8 << 20))
    monkeypatch.setattr(Answers, "healthz", lambda self: huge)
    runner = await start(limits(drain_timeout=60.0))
    async with connection(runner) as (reader, writer), connection(runner) as (idle, _):
        writer.write(get("/healthz"))
        start_of_answer = await reader.read(1)
        stopping = asyncio.create_task(runner.cleanup())
        assert not await till_closed(idle)
        assert len(start_of_answer + await till_closed(reader)) > len(huge.body)
        await stopping


# Reading

names = st.sampled_from(["Host", "host", "Accept", "Accept-Encoding", "User-Agent", "Connection", "X-Other", "Cookie"])
values = st.one_of(
    st.sampled_from(["a", "localhost:1", "[::1]:80", "close", "keep-alive", "gzip", "*/*", "", "  x  ", "\t"]),
    st.text(st.characters(max_codepoint=0xFF), max_size=6),
)
lines = st.builds("{}{}{}\r\n".format, names, st.sampled_from([": ", ":", " : "]), values)
requests = st.builds(
    lambda start, fields, end: (start + "".join(fields) + end).encode("latin-1"),
    st.sampled_from(["GET /metrics HTTP/1.1\r\n", "GET /healthz HTTP/1.1\r\n", "GET /metrics HTTP/1.0\r\n", ""]),
    st.lists(lines, max_size=4),
    st.sampled_from(["\r\n", "\r\n\r\n", ""]),
)


class Noted:
    """Paths that note which fields they were asked with."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    def requests(self) -> PlainRequests:
        def ask(fields):
            self.asked.append(dict(fields))
            return Ask(lambda: (b"", b""), lambda: (b"", b""))

        return PlainRequests(dict.fromkeys(("/metrics", "/healthz"), ask), None)


@given(st.one_of(requests, st.binary(max_size=200)))
@example(PLAIN["prometheus"])
async def test_what_the_front_understands_aiohttp_understands_in_the_same_way(data: bytes) -> None:
    noted = Noted()
    plain = noted.requests().read(data, "127.0.0.1")
    if plain is None:
        return
    loop = asyncio.get_running_loop()
    parser = HttpRequestParser(BaseProtocol(loop), loop, 2**16)
    messages, upgraded, tail = parser.feed_data(data)
    ((message, payload),) = messages
    assert (message.method, message.version, bool(upgraded), tail) == (hdrs.METH_GET, (1, 1), False, b"")
    assert payload.is_eof()
    assert message.should_close is not plain.keeps_open
    assert {name.lower(): value for name, value in message.headers.items()} == noted.asked[0]
    assert len(message.headers) == len(noted.asked[0])


async def test_nothing_of_this_is_logged(start, caplog: pytest.LogCaptureFixture) -> None:
    runner = await start()
    await answer_to(runner, get("/metrics", CLOSE))
    await answer_to(runner, b"\x16\x03\x01")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
