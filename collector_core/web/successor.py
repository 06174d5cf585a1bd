"""Where the connections of a front go on when they ask for more than it can answer: aiohttp, on another thread."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from collector_core.web.limited_server import LimitedHandler, LimitedServer
from collector_core.web.room import Seat


class AiohttpSuccessor:
    """Hands connections over to `server`, which runs on `loop`. Safe to use from any thread."""

    def __init__(self, server: LimitedServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop

    def take_over(self, connection: socket.socket, data: bytes, ended: Callable[[], object]) -> Seat:
        """Go on with a connection on which `data` has come; `ended` is called at its end, on the server's thread."""
        handler = self._server()
        self._loop.call_soon_threadsafe(self._server.take_over, handler, connection, data, ended)
        return _HandedOver(handler, self._loop)


class _HandedOver:
    """A connection of aiohttp, as another thread sees it."""

    def __init__(self, handler: LimitedHandler, loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._loop = loop
        self._gives_way = False

    def idle_since(self) -> float | None:
        """Since when no request is in progress (monotonic seconds); None while one is."""
        return None if self._gives_way else self._handler.idle_since()

    def force_close(self) -> None:
        """End the connection when the request in progress has been answered."""
        self._gives_way = True
        self._loop.call_soon_threadsafe(self._handler.give_way)
