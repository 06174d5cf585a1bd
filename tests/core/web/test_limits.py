"""What a server does with clients that are slow, greedy, malformed or too many."""

import asyncio
import errno
import gzip
import json
import logging
import os
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from aiohttp import http_parser, web

from collector_core.web import server
from collector_core.web.acceptor import Acceptor
from collector_core.web.limited_server import LimitedServer
from collector_core.web.limits import DEFAULT_LIMITS, Limits
from collector_core.web.service import affordable_limits
from tests.core.web.site import (
    BIG,
    FOREVER,
    GET,
    SOON,
    ClientContext,
    Eventually,
    Fetch,
    Runner,
    Serve,
    Site,
    answer_to,
    connection,
    fronted,
    limits,
    one_answer,
    open_on,
    port_of,
    till_closed,
)


@pytest.fixture(params=["aiohttp", "front"])
async def serve(request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Awaitable[Runner]]]:
    """Starts a server, or one behind a front that hands everything over, and stops it after the test."""
    runners: list[Runner] = []

    async def start(app: web.Application, *, limits: Limits = DEFAULT_LIMITS, ssl_context: Any = None) -> Runner:
        if request.param == "front" and ssl_context is None:  # what is encrypted has none
            runners.append(await fronted(app, limits=limits))
        else:
            runners.append(await server.serve(app, limits=limits, ssl_context=ssl_context))
        return runners[-1]

    yield start
    for runner in runners:
        await runner.cleanup()


# Deadlines


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\n"])
async def test_a_header_that_does_not_end_in_time_closes_the_connection(serve: Serve, site: Site, sent: bytes) -> None:
    runner = await serve(site.app, limits=limits(header_timeout=SOON))
    assert (await answer_to(runner, sent)).startswith(b"HTTP/1.1 408 ")


async def test_a_header_sent_byte_by_byte_has_no_more_time(serve: Serve, site: Site, eventually: Eventually) -> None:
    runner = await serve(site.app, limits=limits(header_timeout=SOON))
    async with connection(runner) as (reader, writer):
        closed = asyncio.create_task(till_closed(reader))
        for byte in b"GET / HTTP/1.1\r\nX: " + b"a" * 500:
            if closed.done():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)
        assert closed.done()
        assert b" 408 " in await closed


async def test_the_header_of_a_further_request_has_a_deadline_too(serve: Serve, site: Site) -> None:
    runner = await serve(site.app, limits=limits(header_timeout=SOON))
    async with connection(runner) as (reader, writer):
        writer.write(GET)
        assert b" 200 " in await one_answer(reader)
        writer.write(b"GET")
        assert b" 408 " in await till_closed(reader)


async def test_an_idle_connection_outlives_the_header_deadline(serve: Serve, site: Site) -> None:
    runner = await serve(site.app, limits=limits(header_timeout=SOON, body_timeout=SOON))
    async with connection(runner) as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            assert b" 200 " in await one_answer(reader)
            await asyncio.sleep(3 * SOON)
        writer.write(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
        await asyncio.sleep(0)
        writer.write(b"ab")
        assert b" 200 " in await one_answer(reader)
        await asyncio.sleep(3 * SOON)
        writer.write(GET)
        assert b" 200 " in await one_answer(reader)


async def test_an_idle_connection_ends_at_its_own_deadline(serve: Serve, site: Site) -> None:
    runner = await serve(site.app, limits=limits(idle_timeout=SOON))
    assert (await answer_to(runner, GET)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("framing", [b"Content-Length: 10", b"Transfer-Encoding: chunked"])
async def test_a_body_that_does_not_end_in_time_closes_the_connection(
    serve: Serve, site: Site, framing: bytes, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    runner = await serve(site.app, limits=limits(body_timeout=SOON))
    request = b"POST /read HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n"
    assert not await answer_to(runner, request)
    await eventually(lambda: open_on(runner) == 0)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_body_that_comes_slowly_and_steadily_is_taken(serve: Serve, site: Site, eventually: Eventually) -> None:
    runner = await serve(site.app, limits=limits(body_timeout=10.0, body_progress=10, sweep_interval=FOREVER))
    async with connection(runner) as (reader, writer):
        writer.write(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 80\r\n\r\n")
        for number in range(1, 8):
            writer.write(b"0123456789")
            await eventually(lambda number=number: arrived(runner) == 10 * number)
            sweep(runner, 9.0 * number)
        writer.write(b"0123456789")
        assert b" 200 " in await one_answer(reader)


def arrived(runner: Runner) -> int:
    """How much has come of the body of the one request that there is."""
    assert isinstance(runner.server, LimitedServer)
    requests = [handler._current_request for handler in runner.server.handlers]
    return sum(request.content.total_bytes for request in requests if request)


def sweep(runner: Runner, now: float) -> None:
    """Look at all connections as if it were that late."""
    assert isinstance(runner.server, LimitedServer)
    for handler, transport in list(runner.server.handlers.items()):
        handler.sweep(transport, now)


async def test_a_slow_application_is_not_the_clients_fault(serve: Serve, site: Site, eventually: Eventually) -> None:
    runner = await serve(site.app, limits=limits(header_timeout=SOON, body_timeout=SOON, stall_timeout=SOON))
    async with connection(runner) as (reader, writer):
        writer.write(GET.replace(b"/ ", b"/hang "))
        await asyncio.sleep(3 * SOON)
        site.release.set()
        assert b"at last" in await one_answer(reader)


@pytest.mark.parametrize("encrypted", [False, True])
async def test_a_client_that_does_not_read_is_cut(
    serve: Serve,
    site: Site,
    eventually: Eventually,
    context: Callable[[], ssl.SSLContext],
    client_context: ClientContext,
    encrypted: bool,
) -> None:
    runner = await serve(site.app, limits=limits(stall_timeout=SOON), ssl_context=context if encrypted else None)
    async with connection(runner, client_context() if encrypted else None) as (_, writer):
        writer.write(GET.replace(b"/ ", b"/big "))
        await eventually(lambda: site.served_big > 0)
        await eventually(lambda: open_on(runner) == 0)


async def test_a_client_that_reads_slowly_gets_everything(serve: Serve, site: Site) -> None:
    runner = await serve(site.app, limits=limits(stall_timeout=0.4))
    async with connection(runner) as (reader, writer):
        writer.write(GET.replace(b"/ ", b"/big ").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(16):
            await reader.readexactly(len(BIG) // 16)
            await asyncio.sleep(0.05)
        assert not await reader.read()


async def test_a_tls_handshake_has_the_deadline_of_a_header(
    serve: Serve, site: Site, context: Callable[[], ssl.SSLContext]
) -> None:
    runner = await serve(site.app, limits=limits(header_timeout=SOON), ssl_context=context)
    assert not await answer_to(runner, b"")
    assert open_on(runner) == 0


async def test_the_sweep_runs_only_while_there_are_connections(
    serve: Serve, site: Site, fetch: Fetch, eventually: Eventually
) -> None:
    runner = await serve(site.app, limits=limits())
    server = runner.server
    assert isinstance(server, LimitedServer)
    for _ in range(2):
        await fetch(f"http://127.0.0.1:{port_of(runner)}/")
        assert server._sweeper is not None
        await eventually(lambda: server._sweeper is None)


# Numbers


async def test_connections_beyond_the_cap_are_refused_at_once(
    serve: Serve, site: Site, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    runner = await serve(site.app, limits=limits(max_connections=2))
    async with connection(runner), connection(runner):
        await eventually(lambda: open_on(runner) == 2)
        for _ in range(3):
            assert (await answer_to(runner, b"")).startswith(b"HTTP/1.1 503 ")
    await eventually(lambda: open_on(runner) == 0)
    assert runner.refused == 3
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    async with connection(runner) as (reader, writer):
        writer.write(GET)
        assert b" 200 " in await one_answer(reader)


async def test_tls_handshakes_count_as_connections(
    serve: Serve, site: Site, eventually: Eventually, context: Callable[[], ssl.SSLContext]
) -> None:
    runner = await serve(site.app, limits=limits(max_connections=2), ssl_context=context)
    async with connection(runner), connection(runner):
        await eventually(lambda: open_on(runner) == 2)
        assert not await answer_to(runner, b"")
    assert runner.refused == 1


async def test_the_longest_idle_connection_gives_way_and_busy_ones_do_not(
    serve: Serve, site: Site, eventually: Eventually
) -> None:
    runner = await serve(site.app, limits=limits(max_connections=3, min_idle=0))
    async with connection(runner) as busy, connection(runner) as oldest, connection(runner) as newest:
        busy[1].write(GET.replace(b"/ ", b"/hang "))
        for reader, writer in (oldest, newest):
            writer.write(GET)
            await one_answer(reader)
        await eventually(lambda: site.hanging == 1)
        async with connection(runner) as (reader, writer):
            writer.write(GET)
            assert b" 200 " in await one_answer(reader)
            assert not await till_closed(oldest[0])
            newest[1].write(GET)
            assert b" 200 " in await one_answer(newest[0])
        site.release.set()
        assert b"at last" in await one_answer(busy[0])


async def test_who_gives_way_on_another_thread_gets_the_answer_in_progress_first(
    site: Site, eventually: Eventually
) -> None:
    runner = await fronted(site.app, limits=limits())
    async with connection(runner) as (reader, writer):
        writer.write(GET.replace(b"/ ", b"/hang "))
        await eventually(lambda: site.hanging == 1)
        (seat,) = runner.front.seats()
        seat.force_close()
        await asyncio.sleep(0)
        assert (open_on(runner), seat.idle_since()) == (1, None)
        site.release.set()
        assert (await till_closed(reader)).endswith(b"at last")
    await eventually(lambda: open_on(runner) == 0)
    await runner.cleanup()


async def test_two_hundred_scrapers_at_once_are_all_answered(serve: Serve, site: Site, fetch: Fetch) -> None:
    runner = await serve(site.app)
    answers = await asyncio.gather(*(fetch(f"http://127.0.0.1:{port_of(runner)}/") for _ in range(200)))
    assert {(status, body) for status, _, body in answers} == {(200, b"hello")}
    assert runner.refused == 0


@pytest.fixture
def no_more_files() -> Iterator[Callable[[], None]]:
    """Leaves this process without a free file descriptor, till the test ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def exhaust() -> None:
        with closing(socket.socket()) as lowest_free:
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free.fileno(), hard))

    yield exhaust
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_the_server_recovers_when_file_descriptors_are_free_again(
    serve: Serve,
    site: Site,
    no_more_files: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[OSError] = []
    pause = Acceptor._pause

    def count(self: Acceptor, error: OSError) -> None:
        pauses.append(error)
        pause(self, error)

    monkeypatch.setattr(Acceptor, "_pause", count)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    runner = await serve(site.app)
    loop = asyncio.get_running_loop()
    with closing(socket.socket()) as client:
        client.setblocking(False)
        no_more_files()
        await loop.sock_connect(client, runner.addresses[0])
        await loop.sock_sendall(client, GET)
        await asyncio.sleep(0.6)  # more than two pauses
        assert 2 <= len(pauses) <= 4
        assert [record.getMessage() for record in caplog.records] == [
            f"no connections accepted for a moment: {os.strerror(errno.EMFILE)}"
        ]
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert b" 200 " in await asyncio.wait_for(loop.sock_recv(client, 1000), 10)


async def test_an_idle_connection_gives_its_file_descriptor_away(
    serve: Serve, site: Site, no_more_files: Callable[[], None]
) -> None:
    runner = await serve(site.app, limits=limits(min_idle=SOON))
    loop = asyncio.get_running_loop()
    async with connection(runner) as (reader, writer):
        writer.write(GET)
        await one_answer(reader)
        with closing(socket.socket()) as client:
            client.setblocking(False)
            no_more_files()
            await loop.sock_connect(client, runner.addresses[0])
            await loop.sock_sendall(client, GET)
            assert b" 200 " in await asyncio.wait_for(loop.sock_recv(client, 1000), 10)


# Sizes and forms

BAD_REQUESTS = {
    "a header of 1 MB": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n",
    "a header of 1 MB without an end": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (1 << 20),
    "a name of 1 MB": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a" * (1 << 20) + b": x\r\n\r\n",
    "a URL of 1 MB": b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "10,000 headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 10_000 + b"\r\n",
    "65 headers": b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 65 + b"\r\n",
    "two lengths": b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
    "length and chunks": (
        b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"
    ),
    "length and chunks in other words": (
        b"POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello"
    ),
    "a negative length": b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    "an invented method": b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "broken chunks": b"POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "broken gzip": (b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"),
}


@pytest.mark.parametrize("request_bytes", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
async def test_bad_requests_get_a_400_and_no_line_in_the_log(
    serve: Serve, site: Site, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    runner = await serve(site.app, limits=limits())
    async with connection(runner) as (reader, writer):
        writer.write(request_bytes)
        answer = await till_closed(reader)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert answer.count(b"\r\nDate:") == 1
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("encoding", ["br", "zstd", "BR"])
async def test_a_body_in_an_encoding_that_is_not_known_here_gets_a_415_that_names_those_that_are(
    serve: Serve, site: Site, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("HAS_BROTLI", "HAS_ZSTD"):
        monkeypatch.setattr(http_parser, package, False)
    runner = await serve(site.app, limits=limits())
    async with connection(runner) as (reader, writer):
        writer.write(f"POST /read HTTP/1.1\r\nHost: a\r\nContent-Encoding: {encoding}\r\n".encode())
        writer.write(b"Content-Length: 4\r\n\r\nabcd")
        head, _, body = (await till_closed(reader)).partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"415"
    answer = json.loads(body)
    assert answer["field"] == "Content-Encoding"
    assert "gzip" in answer["fix"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PROPFIND", "TRACE"])
async def test_methods_without_a_route_get_a_405(serve: Serve, site: Site, fetch: Fetch, method: str) -> None:
    runner = await serve(site.app)
    assert (await fetch(f"http://127.0.0.1:{port_of(runner)}/", method))[0] == 405


async def test_a_bug_is_a_500_and_is_logged(
    serve: Serve, site: Site, fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    runner = await serve(site.app)
    status, _, body = await fetch(f"http://127.0.0.1:{port_of(runner)}/bug")
    assert status == 500
    assert b"a bug" not in body
    assert "a bug" in caplog.text


async def test_bodies_up_to_the_limit_are_read(serve: Serve, site: Site, fetch: Fetch) -> None:
    runner = await serve(site.app)
    size = Limits().max_body_bytes
    answer = await fetch(f"http://127.0.0.1:{port_of(runner)}/read", "POST", data=b"a" * size)
    assert answer[2] == str(size).encode()


BODIES = {
    "with its length": (b"Content-Length: 1048577", b"a" * ((1 << 20) + 1)),
    "announced only": (b"Content-Length: 9999999999", b"a" * (2 << 20)),
    "in chunks": (b"Transfer-Encoding: chunked", b"10000\r\n" + (b"a" * 0x10000 + b"\r\n10000\r\n") * 20),
    "inflated": (
        b"Content-Encoding: gzip\r\nContent-Length: 101955",
        gzip.compress(b"a" * (100 << 20), mtime=0),
    ),
}


@pytest.mark.parametrize(("headers", "body"), BODIES.values(), ids=BODIES)
async def test_a_larger_body_gets_a_413(serve: Serve, site: Site, headers: bytes, body: bytes) -> None:
    runner = await serve(site.app)
    headers = headers.replace(b"101955", str(len(body)).encode())
    async with connection(runner) as (reader, writer):
        writer.write(b"POST /read HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n\r\n" + body)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 413 ")


async def test_an_endless_body_that_nobody_wants_ends_the_connection(
    serve: Serve, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_LINGER", SOON)
    runner = await serve(site.app)
    async with connection(runner) as (reader, writer):
        writer.write(b"POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b" 200 " in await one_answer(reader)
        assert not await till_closed(reader)


@pytest.mark.parametrize(("files", "connections"), [(256, 128), (1023, 511), (1024, 512), (4096, 512)])
def test_half_of_the_files_that_may_be_open_are_left_for_collectors(files: int, connections: int) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, before[1]))
    try:
        assert affordable_limits().max_connections == connections
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
