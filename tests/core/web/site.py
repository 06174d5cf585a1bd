"""An application to be hard on, and clients that are."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from collector_core.web.limits import LimitedServer, Limits
from collector_core.web.server import LimitedRunner

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


def port_of(runner: LimitedRunner) -> int:
    port: int = runner.addresses[0][1]
    return port


def open_on(runner: LimitedRunner) -> int:
    """How many connections the server has."""
    assert isinstance(runner.server, LimitedServer)
    return len(runner.server.connections) + len(runner.server.opening)


@asynccontextmanager
async def connection(
    runner: LimitedRunner, context: ssl.SSLContext | None = None
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


async def answer_to(runner: LimitedRunner, request: bytes) -> bytes:
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
