"""Serves an application within limits."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestHandler

from collector_core.web.acceptor import Acceptors
from collector_core.web.limited_server import ContextSource, LimitedServer
from collector_core.web.limits import DEFAULT_LIMITS, Limits
from collector_core.web.listeners import bind

_LINGER = 2.0  # seconds to read the rest of a body that the application did not want


class LimitedRunner(web.AppRunner):
    """Serves an application within limits; `await cleanup()` stops it within `drain_timeout`."""

    def __init__(self, app: web.Application, limits: Limits, direct: Mapping[str, Handler]) -> None:
        super().__init__(app, shutdown_timeout=limits.drain_timeout)
        self._limits = limits
        self._direct = direct
        self.acceptors = Acceptors()

    @property
    def addresses(self) -> list[Any]:
        """The addresses that are listened on, as `socket.getsockname` gives them."""
        return self.acceptors.addresses

    @property
    def refused(self) -> int:
        """Connections refused because too many were open."""
        return self._server.refused if isinstance(self._server, LimitedServer) else 0

    def listen(self, listeners: Sequence[socket.socket], ssl_context: ContextSource | None) -> None:
        """Accept connections from bound sockets, which are closed by `cleanup`; call `setup` before."""
        server = cast("LimitedServer", self._server)
        server.context = ssl_context
        self.acceptors.listen(listeners, server, asyncio.get_running_loop(), encrypted=ssl_context is not None)

    async def cleanup(self) -> None:
        """Stop accepting, let requests in progress end, close everything."""
        self.acceptors.close()
        if isinstance(self._server, LimitedServer):
            await self._server.stop_opening()
        await super().cleanup()

    async def _make_server(self) -> LimitedServer:
        plain = await super()._make_server()
        limits, loop = self._limits, asyncio.get_running_loop()

        def request(
            message: RawRequestMessage,
            payload: StreamReader,
            protocol: RequestHandler,
            writer: AbstractStreamWriter,
            task: asyncio.Task[None],
        ) -> web.Request:
            return web.Request(message, payload, protocol, writer, task, loop, client_max_size=limits.max_body_bytes)

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            direct = self._direct.get(request.path) if request.method == "GET" else None
            return await (direct or plain.request_handler)(request)  # type: ignore[arg-type]  # it is a web.Request

        return LimitedServer(
            handle if self._direct else plain.request_handler,
            limits=limits,
            loop=loop,
            request_factory=request,
            access_log=None,
            keepalive_timeout=limits.idle_timeout,
            lingering_time=_LINGER,
            max_line_size=limits.max_line_bytes,
            max_field_size=limits.max_line_bytes,
            max_headers=limits.max_headers,
        )


async def serve(
    app: web.Application,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    sockets: Sequence[socket.socket] = (),
    ssl_context: ContextSource | None = None,
    limits: Limits = DEFAULT_LIMITS,
    direct: Mapping[str, Handler] = MappingProxyType({}),
) -> LimitedRunner:
    """Serve `app` on `host` and `port`, or on bound `sockets`; raises `StartupError` if the address is not to be had.

    `direct` are handlers of GET requests by path that need neither middlewares nor the router, which cost as much
    as a small answer.
    `ssl_context` is asked for the context of each new connection; without it connections are not encrypted.
    """
    listeners = list(sockets) or bind(host, port)
    try:
        runner = await set_up(app, limits, direct=direct)
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    runner.listen(listeners, ssl_context)
    return runner


async def set_up(
    app: web.Application, limits: Limits, *, direct: Mapping[str, Handler] = MappingProxyType({})
) -> LimitedRunner:
    """Start `app` without listening anywhere; arguments as for `serve`."""
    runner = LimitedRunner(app, limits, direct)
    await runner.setup()
    return runner
