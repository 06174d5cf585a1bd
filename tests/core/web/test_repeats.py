"""A request that a connection repeats byte for byte is answered without being parsed, and nobody can tell."""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
from aiohttp import web

from collector_core.web.auth import protect
from collector_core.web.file_reload import WebConfigFile
from collector_core.web.limited_server import LimitedHandler, LimitedServer
from collector_core.web.repeats import BODY_OF_REPEATS, MAX_REQUEST_BYTES
from collector_core.web.server import LimitedRunner
from tests.core.web.site import (
    FOREVER,
    SOON,
    ClientContext,
    Eventually,
    Serve,
    connection,
    limits,
    one_answer,
    till_closed,
)

Open = Callable[..., Awaitable[LimitedRunner]]
LOGIN = b"Authorization: Basic " + base64.b64encode(b"alice:alice123") + b"\r\n"
HASH = bcrypt.hashpw(b"alice123", bcrypt.gensalt(4)).decode()
WITH_PASSWORD = f"basic_auth_users:\n  alice: {HASH}\nhttp_server_config:\n  headers:\n    X-Frame-Options: deny\n"
UNREPEATABLE = {
    "HTTP/1.0": (b"HTTP/1.0", b"Connection: keep-alive\r\n"),
    "an upgrade": (b"HTTP/1.1", b"Connection: upgrade\r\nUpgrade: websocket\r\n"),
    "an expectation": (b"HTTP/1.1", b"Expect: 100-continue\r\n"),
    "a long header": (b"HTTP/1.1", b"X: " + b"x" * MAX_REQUEST_BYTES + b"\r\n"),
}


def request(
    fields: bytes = b"", path: bytes = b"/ready", version: bytes = b"HTTP/1.1", method: bytes = b"GET"
) -> bytes:
    return method + b" " + path + b" " + version + b"\r\nHost: a\r\n" + fields + b"\r\n"


@dataclass
class Ready:
    """An application with an answer that is ready for repetitions. `handled` counts what was parsed."""

    body: bytes | None = b"ready"
    handled: int = 0
    folder: Path = Path()

    def app(self, config: str = "") -> web.Application:
        app = web.Application()
        app.router.add_get("/ready", self.ready)
        app.router.add_get("/plain", self.plain)
        app.router.add_post("/ready", self.plain)
        if config:
            self.configure(config)
            protect(app, WebConfigFile(self.folder / "web.yml", check_interval=0))
        return app

    def configure(self, config: str) -> None:
        (self.folder / "web.yml").write_text(config)

    async def ready(self, request: web.Request) -> web.Response:
        self.handled += 1
        request[BODY_OF_REPEATS] = lambda: self.body
        return web.Response(body=self.body or b"made", headers={"X-Kept": "100 %d"})

    async def plain(self, request: web.Request) -> web.Response:
        self.handled += 1
        return web.Response(text="plain")


@pytest.fixture
async def ready(tmp_path: Path) -> Ready:
    return Ready(folder=tmp_path)


def server_of(runner: LimitedRunner) -> LimitedServer:
    assert isinstance(runner.server, LimitedServer)
    return runner.server


def idle_since(handler: LimitedHandler) -> float:
    since = handler.idle_since()
    assert since is not None
    return since


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def undated(answer: bytes) -> bytes:
    return re.sub(rb"Date: [^\r]*", b"", answer)


async def test_a_repetition_gets_the_very_same_bytes(serve: Serve, ready: Ready) -> None:
    async with connection(await serve(ready.app())) as (reader, writer):
        answers = []
        for _ in range(3):
            writer.write(request())
            answers.append(undated(await one_answer(reader)))
        assert b"X-Kept: 100 %d\r\n" in answers[0]
        assert answers == [answers[0]] * 3
    assert ready.handled == 1


async def test_a_new_body_is_sent_as_soon_as_it_is_there(serve: Serve, ready: Ready) -> None:
    async with connection(await serve(ready.app())) as (reader, writer):
        for body in (b"one", b"two", b"x" * (1 << 17)):
            ready.body = body
            writer.write(request())
            assert (await one_answer(reader)).endswith(b"\r\n\r\n" + body)
        ready.body = None
        writer.write(request())
        assert (await one_answer(reader)).endswith(b"made")
    assert ready.handled == 2


@pytest.mark.parametrize("other", [request(path=b"/plain"), request(method=b"POST"), request(b"X: 1\r\n")])
async def test_another_request_is_handled_for_itself(serve: Serve, ready: Ready, other: bytes) -> None:
    async with connection(await serve(ready.app())) as (reader, writer):
        for sent in (request(), request(), other, request(), request()):
            writer.write(sent)
            assert status(await one_answer(reader)) == 200
    assert ready.handled == 3


@pytest.mark.parametrize(("version", "fields"), UNREPEATABLE.values(), ids=list(UNREPEATABLE))
async def test_what_is_not_plain_is_parsed_each_time(serve: Serve, ready: Ready, version: bytes, fields: bytes) -> None:
    async with connection(await serve(ready.app(), limits=limits())) as (reader, writer):
        for _ in range(2):
            writer.write(request(fields, version=version))
            answer = await reader.readuntil(b"ready")
            assert answer.count(b" 200 ") == 1
    assert ready.handled == 2


async def test_a_request_to_close_is_obeyed(serve: Serve, ready: Ready) -> None:
    async with connection(await serve(ready.app())) as (reader, writer):
        for sent in (request(), request(), request(b"Connection: close\r\n")):
            writer.write(sent)
        assert (await till_closed(reader)).count(b" 200 ") == 3


async def test_bytes_that_complete_what_came_before_are_no_repetition(
    serve: Serve, ready: Ready, eventually: Eventually
) -> None:
    """Or a proxy that shares its connection could be made to take one answer for another's."""
    runner = await serve(ready.app())
    async with connection(runner) as (reader, writer):
        writer.write(request())
        await one_answer(reader)
        (handler,) = server_of(runner).handlers
        writer.write(b"GET /plain HTTP/1.1\r\nHost: a\r\nX-Swallowed: ")
        await eventually(lambda: handler._in_header)
        writer.write(request())
        assert status(await till_closed(reader)) == 400  # it has two Host fields now


async def test_a_body_that_looks_like_a_repetition_is_a_body(serve: Serve, ready: Ready) -> None:
    async with connection(await serve(ready.app())) as (reader, writer):
        writer.write(request())
        await one_answer(reader)
        writer.write(request(b"Content-Length: %d\r\n" % len(request()), b"/plain", method=b"GET"))
        writer.write(request())
        assert (await one_answer(reader)).endswith(b"plain")
        writer.write(request(path=b"/plain"))
        assert (await one_answer(reader)).endswith(b"plain")
    assert ready.handled == 3


async def test_pipelined_requests_are_answered_in_order(serve: Serve, ready: Ready) -> None:
    async with connection(await serve(ready.app())) as (reader, writer):
        writer.write(request())
        await one_answer(reader)
        for sent in (request(), request(path=b"/plain"), request(), request(path=b"/plain")):
            writer.write(sent)
        found = [(await one_answer(reader)).rpartition(b"\r\n\r\n")[2] for _ in range(4)]
    assert found == [b"ready", b"plain", b"ready", b"plain"]


async def test_who_takes_no_answer_has_the_next_request_parsed_and_held_back(
    serve: Serve, ready: Ready, eventually: Eventually
) -> None:
    runner = await serve(ready.app(), limits=limits())
    async with connection(runner) as (reader, writer):
        writer.write(request())
        await one_answer(reader)
        ready.body = b"x" * (32 << 20)
        for handled in (1, 2):
            writer.write(request())
            await eventually(lambda handled=handled: server_of(runner).requests_count == handled + 1)  # type: ignore[misc]
            assert ready.handled == handled


async def test_a_connection_is_idle_after_a_repetition_and_late_with_what_it_begins_then(
    serve: Serve, ready: Ready, eventually: Eventually
) -> None:
    runner = await serve(ready.app(), limits=limits(header_timeout=SOON, sweep_interval=FOREVER))
    async with connection(runner) as (reader, writer):
        writer.write(request())
        await one_answer(reader)
        ((handler, transport),) = server_of(runner).handlers.items()
        first = idle_since(handler)
        writer.write(request())
        await one_answer(reader)
        await eventually(lambda: idle_since(handler) > first)
        for seconds in (0, 1):
            handler.sweep(transport, asyncio.get_running_loop().time() + seconds)
        writer.write(request())
        assert status(await one_answer(reader)) == 200
        writer.write(b"GET")
        await eventually(lambda: handler._in_header)
        for seconds in (2, 3):
            handler.sweep(transport, asyncio.get_running_loop().time() + seconds)
        assert b" 408 " in await till_closed(reader)
    assert ready.handled == 1


async def test_repetitions_count_as_requests(serve: Serve, ready: Ready) -> None:
    runner = await serve(ready.app())
    server = server_of(runner)
    async with connection(runner) as (reader, writer):
        for _ in range(5):
            writer.write(request())
            await one_answer(reader)
    assert server.requests_count == 5


async def test_an_encrypted_connection_is_no_different(
    serve: Serve, ready: Ready, context: Callable[[], object], client_context: ClientContext
) -> None:
    async with connection(await serve(ready.app(), ssl_context=context), client_context()) as (reader, writer):
        for _ in range(3):
            writer.write(request())
            assert status(await one_answer(reader)) == 200
    assert ready.handled == 1


# Passwords


async def test_a_password_is_checked_once_for_each_connection(serve: Serve, ready: Ready) -> None:
    runner = await serve(ready.app(WITH_PASSWORD))
    async with connection(runner) as (reader, writer):
        for _ in range(3):
            writer.write(request(LOGIN))
            answer = await one_answer(reader)
            assert status(answer) == 200
            assert b"X-Frame-Options: deny\r\n" in answer
        assert ready.handled == 1
        for other in (b"", LOGIN.replace(b"Y", b"Z"), b"X" + LOGIN):
            writer.write(request(other))
            assert status(await one_answer(reader)) == 401
    async with connection(runner) as (reader, writer):
        writer.write(request())
        assert status(await one_answer(reader)) == 401
    assert ready.handled == 1


async def test_a_new_web_configuration_counts_from_the_next_request_on(serve: Serve, ready: Ready) -> None:
    async with connection(await serve(ready.app(WITH_PASSWORD))) as (reader, writer):

        async def ask() -> bytes:
            writer.write(request(LOGIN))
            return await one_answer(reader)

        assert [status(await ask()) for _ in range(2)] == [200, 200]
        ready.configure(WITH_PASSWORD.replace("deny", "sameorigin"))
        for _ in range(2):
            assert b"X-Frame-Options: sameorigin\r\n" in await ask()
        ready.configure(WITH_PASSWORD.replace("alice:", "mallory:"))
        assert [status(await ask()) for _ in range(2)] == [401, 401]
        ready.configure(WITH_PASSWORD)
        assert [status(await ask()) for _ in range(2)] == [200, 200]
        ready.configure("nonsense: true\n")
        assert [status(await ask()) for _ in range(2)] == [500, 500]


async def test_the_rate_limit_counts_repetitions_once_each(serve: Serve, ready: Ready) -> None:
    config = WITH_PASSWORD + "rate_limit:\n  burst: 4\n  interval: 1h\n"
    async with connection(await serve(ready.app(config))) as (reader, writer):
        found = []
        for _ in range(6):
            writer.write(request(LOGIN))
            found.append(status(await one_answer(reader)))
    assert found == [200, 200, 200, 200, 429, 429]
