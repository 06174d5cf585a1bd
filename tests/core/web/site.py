"""An application to be hard on, and clients that are."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from aiohttp import web

from collector_core.web.event_loop import EventLoop
from collector_core.web.front import Front
from collector_core.web.limited_server import LimitedServer
from collector_core.web.limits import DEFAULT_LIMITS, Limits
from collector_core.web.listeners import bind
from collector_core.web.plain_requests import PlainRequests
from collector_core.web.server import LimitedRunner, set_up
from collector_core.web.successor import AiohttpSuccessor

Serve = Callable[..., Awaitable[LimitedRunner]]
Fetch = Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
ClientContext = Callable[..., ssl.SSLContext]

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
BIG = b"x" * (32 << 20)

SOON = 0.1
FOREVER = 60.0


def limits(**changed: float) -> Limits:
    """Limits without effect for a test, but for those that it is about."""
    patient = dict.fromkeys(("header_timeout", "body_timeout", "idle_timeout", "stall_timeout", "min_idle"), FOREVER)
    return Limits(**{**patient, "sweep_interval": 0.02, **changed})  # type: ignore[arg-type]


class Site:
    """An application to be hard on."""

    def __init__(self) -> None:
        self.app = web.Application()
        self.app.add_routes(
            [
                web.get("/", self.small),
                web.get("/big", self.big),
                web.get("/hang", self.hang),
                web.get("/bug", self.bug),
                web.post("/read", self.read),
                web.post("/ignore", self.small),
            ]
        )
        self.release = asyncio.Event()
        self.hanging = 0
        self.served_big = 0

    async def small(self, _request: web.Request) -> web.Response:
        return web.Response(body=b"hello")

    async def big(self, _request: web.Request) -> web.Response:
        self.served_big += 1
        return web.Response(body=BIG)

    async def hang(self, _request: web.Request) -> web.Response:
        self.hanging += 1
        await self.release.wait()
        return web.Response(body=b"at last")

    async def bug(self, _request: web.Request) -> web.Response:
        raise RuntimeError("a bug")

    async def read(self, request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))


class Fronted:
    """An application behind a front with a thread of its own; `loads` counts how often the runner was asked for."""

    def __init__(self, runner: LimitedRunner, requests: PlainRequests, limits: Limits) -> None:
        self.runner = runner
        self._successor = AiohttpSuccessor(cast("LimitedServer", runner.server), asyncio.get_running_loop())
        self.loop = EventLoop()
        self.front = Front(requests, limits, self.loop, self._load)
        self.loads = 0
        self.errors: list[Exception] = []
        self._ends = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self.front.listen(bind("127.0.0.1", 0))
        self._thread.start()

    def _run(self) -> None:
        self.loop.run_until(lambda: self._ends)
        self.front.begin_to_close()
        self.loop.run_until(lambda: self.front.is_empty, self.loop.time() + self.front.limits.drain_timeout)
        self.front.close()
        self.loop.close()

    def _load(self) -> AiohttpSuccessor:
        self.loads += 1
        if self.errors:
            raise self.errors.pop()
        return self._successor

    @property
    def server(self) -> web.Server | None:
        return self.runner.server

    @property
    def addresses(self) -> list[Any]:
        return self.front.acceptors.addresses

    @property
    def refused(self) -> int:
        return self.front.refused

    def _end(self) -> None:
        self._ends = True

    async def cleanup(self) -> None:
        self.loop.call_soon_threadsafe(self._end)
        await asyncio.gather(asyncio.to_thread(self._thread.join), self.runner.cleanup())


Runner = LimitedRunner | Fronted


async def fronted(
    app: web.Application, requests: PlainRequests | None = None, limits: Limits = DEFAULT_LIMITS
) -> Fronted:
    """The application behind a front that understands `requests`: nothing, where they are not given."""
    made = Fronted(await set_up(app, limits), requests or PlainRequests({}, None), limits)
    made.start()
    return made


def port_of(runner: Runner) -> int:
    port: int = runner.addresses[0][1]
    return port


def open_on(runner: Runner) -> int:
    """How many connections the server has."""
    if isinstance(runner, Fronted):
        return runner.front.taken()
    assert isinstance(runner.server, LimitedServer)
    return runner.server.taken()


@asynccontextmanager
async def connection(
    runner: Runner, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port_of(runner), ssl=context, server_hostname="localhost" if context else None
    )
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def answer_to(runner: Runner, request: bytes) -> bytes:
    """All that the server sends until it closes."""
    async with connection(runner) as (reader, writer):
        writer.write(request)
        return await till_closed(reader)


async def till_closed(reader: asyncio.StreamReader) -> bytes:
    received = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(10):
            while chunk := await reader.read(1 << 16):
                received += chunk
    return received


async def one_answer(reader: asyncio.StreamReader) -> bytes:
    header = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in header.split(b"\r\n") if line.startswith(b"Content-Length"))
    return header + await reader.readexactly(length)
