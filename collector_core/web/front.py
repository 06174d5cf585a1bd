"""Stands before aiohttp: answers scrapers and health checks, and hands over whoever asks for anything else.

Half of what a small collector would import and a fifth of its memory are aiohttp's. It is loaded when the first request
comes that the front does not understand; the connection of that request, and all that come later, are then aiohttp's.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, cast

from collector_core.errors import describe
from collector_core.web.acceptor import Acceptors
from collector_core.web.limits import TOO_LATE, Limits, StallWatch, unsent_bytes
from collector_core.web.plain_requests import PlainRequest, PlainRequests
from collector_core.web.room import Room, Seat

if TYPE_CHECKING:
    from collector_core.web.limited_server import LimitedServer
    from collector_core.web.server import LimitedRunner

log = logging.getLogger(__name__)

_POLL = 0.01  # seconds between two looks whether all has been sent, at the end


class FrontConnection(asyncio.Protocol):
    """A connection that has asked for nothing yet, or for what its front can answer."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._peer: str | None = None
        self._request = b""
        self._plain: PlainRequest | None = None
        self._answered = False
        self._since = self._loop.time()
        self._leaving = False
        self._kept = b""  # what came while it leaves
        self._is_full = False
        self._stall_watch = StallWatch()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a seat."""
        self._transport = cast("asyncio.Transport", transport)
        name = transport.get_extra_info("peername")
        self._peer = str(name[0]) if isinstance(name, tuple) else None
        self._front.seat(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        del exc
        self._transport = None
        self._front.unseat(self)

    def pause_writing(self) -> None:
        """The client takes less than it gets."""
        self._is_full = True

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._is_full = False

    def data_received(self, data: bytes) -> None:
        """Answer a request that is understood; hand over all others."""
        transport = self._transport
        if transport is None or self._leaving:
            self._kept += data
            return
        if data != self._request:
            self._plain, self._request = self._front.requests.read(data, self._peer), data
        pieces = None if self._plain is None or unsent_bytes(transport) else self._plain.answer()
        if self._plain is None or pieces is None:
            self._leave(transport, data)
            return
        self._since, self._answered = self._loop.time(), True
        for piece in pieces:
            transport.write(piece)
        if not self._plain.keeps_open:
            transport.close()

    def _leave(self, transport: asyncio.Transport, data: bytes) -> None:
        self._leaving, self._kept, self._since = True, data, self._loop.time()
        transport.pause_reading()
        self._front.hand_over(self)

    def become_connection_of(self, server: LimitedServer) -> None:
        """Go on as a connection of aiohttp, with what came already."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._front.unseat(self)
        handler = server()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        if self._is_full:
            handler.pause_writing()
        transport.resume_reading()
        handler.data_received(self._kept)

    def sweep(self, now: float, limits: Limits) -> None:
        """Close the connection if it is late at `now`, in the loop's time."""
        transport = self._transport
        if transport is None:
            return
        waited = now - self._since
        if self._stall_watch.stalls(transport, now, limits.stall_timeout):
            transport.abort()
        elif self._leaving:
            if waited >= limits.stall_timeout:  # aiohttp cannot be loaded
                transport.abort()
        elif waited >= (limits.idle_timeout if self._answered else limits.header_timeout):
            if not self._answered:
                transport.write(TOO_LATE)
            transport.close()

    def idle_since(self) -> float | None:
        """The loop's time since when no request is in progress; None while one is."""
        busy = self._transport is None or self._leaving or unsent_bytes(self._transport)
        return None if busy else self._since

    def force_close(self) -> None:
        """Send what waits to be sent, and close."""
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport:
            self._transport.abort()


class Front(Room):
    """Serves `requests`; `load` sets the server up that all others are handed to."""

    def __init__(self, requests: PlainRequests, limits: Limits, load: Callable[[], Awaitable[LimitedRunner]]) -> None:
        super().__init__(limits)
        self.requests = requests
        self.acceptors = Acceptors()
        self._load = load
        self._loop = asyncio.get_running_loop()
        self._connections: set[FrontConnection] = set()
        self._loading: asyncio.Task[LimitedRunner] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._server: LimitedServer | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return self._server() if self._server else FrontConnection(self)

    def seats(self) -> Iterator[Seat]:
        """All connections, those that were handed over too."""
        return chain(self._connections, self._server.seats() if self._server else ())

    def listen(self, listeners: Sequence[socket.socket]) -> None:
        """Accept connections from bound sockets, which are closed by `cleanup`."""
        self.acceptors.listen(listeners, self, None)

    async def cleanup(self) -> None:
        """Stop accepting, let answers be sent, close everything."""
        await self.acceptors.close()
        for task in self._leaving:
            task.cancel()
        ways = [self._drain()]
        if self._loading and self._loading.done() and not self._loading.cancelled() and not self._loading.exception():
            ways.append(self._loading.result().cleanup())
        elif self._loading:
            self._loading.cancel()
        await asyncio.gather(*ways)

    async def _drain(self) -> None:
        for connection in list(self._connections):
            connection.force_close()
        deadline = self._loop.time() + self.limits.drain_timeout
        while self._connections and self._loop.time() < deadline:  # noqa: ASYNC110 - only the end waits for this
            await asyncio.sleep(_POLL)
        for connection in list(self._connections):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()

    def seat(self, connection: FrontConnection) -> None:
        """Register a connection; the first one starts the sweep."""
        self._connections.add(connection)
        self.opening.discard(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self.limits.sweep_interval, self._sweep)

    def unseat(self, connection: FrontConnection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in list(self._connections):
            connection.sweep(now, self.limits)
        again = bool(self._connections)
        self._sweeper = self._loop.call_later(self.limits.sweep_interval, self._sweep) if again else None

    def hand_over(self, connection: FrontConnection) -> None:
        """Make a connection one of aiohttp's, at once where that is there."""
        if self._server:
            connection.become_connection_of(self._server)
            return
        task = self._loop.create_task(self._hand_over(connection))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _hand_over(self, connection: FrontConnection) -> None:
        try:
            server = await self._loaded()
        except Exception as error:  # noqa: BLE001 - the next one that asks tries again
            log.error("a request cannot be answered: %s", describe(error))  # noqa: TRY400 - one line
            connection.abort()
        else:
            connection.become_connection_of(server)

    async def _loaded(self) -> LimitedServer:
        if self._loading is None:
            self._loading = self._loop.create_task(self._set_up())
        try:
            await asyncio.shield(self._loading)
        except Exception:
            self._loading = None
            raise
        return cast("LimitedServer", self._server)

    async def _set_up(self) -> LimitedRunner:
        runner = await self._load()
        self._server = cast("LimitedServer", runner.server)
        self._server.opening = self.opening
        return runner
