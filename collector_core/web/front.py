"""Stands before aiohttp: answers scrapers and health checks, and hands over whoever asks for anything else.

Half of what a small collector would import and a fifth of its memory are aiohttp's. It is loaded when the first request
comes that the front does not understand; the connection of that request is aiohttp's from then on.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, cast

from collector_core.errors import describe
from collector_core.web.acceptor import Acceptors
from collector_core.web.limits import TOO_LATE, Limits, StallWatch
from collector_core.web.plain_requests import MAX_BYTES, HeadAndBody, PlainRequest, PlainRequests
from collector_core.web.room import Room, Seat

if TYPE_CHECKING:
    from collector_core.web.limited_server import LimitedHandler, LimitedServer
    from collector_core.web.server import LimitedRunner

log = logging.getLogger(__name__)

_POLL = 0.01  # seconds between two looks whether all has been sent, at the end
_NOTHING = memoryview(b"")


class FrontConnection:
    """A connection that has asked for nothing yet, or for what its front can answer; `peer` is the client's address.

    It has no transport, whose work would be more than the rest of an answer: a scrape is one call of the kernel that
    receives and one that sends. Nothing is read while something waits to be sent.
    """

    def __init__(self, front: Front, connection: socket.socket, peer: str | None) -> None:
        self._front = front
        self._loop = front.loop
        self._socket = connection
        self._peer = peer
        self._request = b""
        self._plain: PlainRequest | None = None
        self._answered = False
        self._is_making = False
        self._since = self._loop.time()
        self._unsent = _NOTHING
        self._ends_when_sent = False
        self._handed_over = b""  # what aiohttp is to read first
        self._stall_watch = StallWatch()
        with suppress(OSError):  # it has ended already
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(connection, self._turn, self._read)

    @property
    def is_open(self) -> bool:
        """Whether it is still this connection's."""
        return self._socket.fileno() >= 0

    def _turn(self, work: Callable[[], None]) -> None:
        """Do what the socket is ready for; an error ends the connection, and is logged if it is ours."""
        try:
            work()
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.abort()
        except Exception:
            self.abort()
            raise

    def _read(self) -> None:
        """Answer a request that is understood; hand over all others."""
        data = self._socket.recv(MAX_BYTES + 1)
        if not data:
            self.abort()
            return
        if data != self._request:
            self._plain, self._request = self._front.requests.read(data, self._peer), data
        if self._plain is None:
            self._leave(data)
        elif answer := self._plain.answer():
            self._send(answer)
        else:
            self._is_making = True
            self._loop.remove_reader(self._socket)
            self._front.make(self, self._plain)

    def finish(self, answer: HeadAndBody) -> None:
        """Send an answer that took long to make."""
        self._is_making = False
        if self.is_open:
            self._loop.add_reader(self._socket, self._turn, self._read)
            self._turn(lambda: self._send(answer))
            self._front.watch(self)

    def _send(self, answer: HeadAndBody) -> None:
        self._since = self._loop.time()
        if not self._answered:
            self._answered = True
            self._front.watch(self)
        self._ends_when_sent |= not (self._plain and self._plain.keeps_open)
        head, body = answer
        left = len(head) + len(body)
        with suppress(BlockingIOError):
            left -= _send_together(self._socket, answer)
        if left:
            self._unsent = memoryview(body if left <= len(body) else head + body)[-left:]
            self._loop.remove_reader(self._socket)
            self._loop.add_writer(self._socket, self._turn, self._send_rest)
            self._stall_watch = StallWatch()
            self._front.watch(self)
        elif self._ends_when_sent:
            self.abort()

    def _send_rest(self) -> None:
        self._unsent = self._unsent[self._socket.send(self._unsent) :]
        if self._unsent:
            return
        self._unsent = _NOTHING  # an empty view of a body keeps all of it
        self._since = self._loop.time()
        self._loop.remove_writer(self._socket)
        if self._ends_when_sent:
            self.abort()
        else:
            self._loop.add_reader(self._socket, self._turn, self._read)

    def _leave(self, data: bytes) -> None:
        self._handed_over, self._since = data, self._loop.time()
        self._loop.remove_reader(self._socket)
        self._front.watch(self)
        self._front.hand_over(self)

    async def become_connection_of(self, server: LimitedServer) -> None:
        """Go on as a connection of aiohttp, with what came already."""
        if not self.is_open:
            return
        self._front.unseat(self)
        handler = server()
        server.opening.add(handler)
        try:
            await self._loop.connect_accepted_socket(lambda: _Successor(handler, self._handed_over), self._socket)
        except OSError:
            self._socket.close()
        finally:
            server.opening.discard(handler)

    def look_at(self, limits: Limits) -> float:
        """The loop's time when it may be late: at once while something waits to be sent, not while we are."""
        if self._is_making:
            return inf
        if self._unsent:
            return self._loop.time()
        if self._handed_over:
            return self._since + limits.stall_timeout  # aiohttp cannot be loaded
        return self._since + (limits.idle_timeout if self._answered else limits.header_timeout)

    def sweep(self, now: float, limits: Limits) -> None:
        """Close the connection if it is late at `now`, in the loop's time."""
        if self._unsent:
            if self._stall_watch.stalls(len(self._unsent), now, limits.stall_timeout):
                self.abort()
        elif now >= self.look_at(limits):
            if not self._answered and not self._handed_over:
                with suppress(OSError):
                    self._socket.send(TOO_LATE)
            self.abort()

    def idle_since(self) -> float | None:
        """The loop's time since when no request is in progress; None while one is."""
        return None if self._handed_over or self._unsent or self._is_making else self._since

    def force_close(self) -> None:
        """Send what waits to be sent, and close."""
        if self._unsent or self._is_making:
            self._ends_when_sent = True
        else:
            self.abort()

    def abort(self) -> None:
        """Close at once; any number of times."""
        if self.is_open:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
        self._front.unseat(self)


def _send_together(connection: socket.socket, answer: HeadAndBody) -> int:
    """Send with one call; returns how many bytes were taken. Only Windows has none for several pieces."""
    return connection.send(b"".join(answer)) if sys.platform == "win32" else connection.sendmsg(answer)


class _Successor(asyncio.Protocol):
    """Makes a connection aiohttp's, which is to read `data` first."""

    def __init__(self, handler: LimitedHandler, data: bytes) -> None:
        self._handler = handler
        self._data = data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Leave it to the handler."""
        cast("asyncio.Transport", transport).set_protocol(self._handler)
        self._handler.connection_made(transport)
        self._handler.data_received(self._data)


def _give_up(connection: FrontConnection, error: Exception) -> None:
    log.error("a request cannot be answered: %s", describe(error))
    connection.abort()


class Front(Room):
    """Serves `requests`; `load` sets the server up that all others are handed to."""

    def __init__(self, requests: PlainRequests, limits: Limits, load: Callable[[], Awaitable[LimitedRunner]]) -> None:
        super().__init__(limits)
        self.requests = requests
        self.acceptors = Acceptors()
        self._load = load
        self.loop = asyncio.get_running_loop()
        self._connections: set[FrontConnection] = set()
        self._loading: asyncio.Task[LimitedRunner] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._making: set[asyncio.Task[None]] = set()
        self._server: LimitedServer | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    def take(self, connection: socket.socket, peer: str | None) -> bool:
        """Look after a new connection, as long as nobody asks for more than it can answer."""
        made = FrontConnection(self, connection, peer)
        self._connections.add(made)
        self.watch(made)
        return True

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
        deadline = self.loop.time() + self.limits.drain_timeout
        while self._connections and self.loop.time() < deadline:  # noqa: ASYNC110 - only the end waits for this
            await asyncio.sleep(_POLL)
        for connection in list(self._connections):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()

    def unseat(self, connection: FrontConnection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def watch(self, connection: FrontConnection) -> None:
        """Look at all connections when this one may be late, as exactly as the limits say."""
        when = connection.look_at(self.limits) + self.limits.sweep_interval
        if when == inf:
            return
        if self._sweeper and self._sweeper.when() > when:
            self._sweeper.cancel()
            self._sweeper = None
        self._sweeper = self._sweeper or self.loop.call_at(when, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        now = self.loop.time()
        for connection in list(self._connections):
            connection.sweep(now, self.limits)
        if self._connections:
            self.watch(min(self._connections, key=lambda each: each.look_at(self.limits)))

    def make(self, connection: FrontConnection, request: PlainRequest) -> None:
        """Make an answer that takes long, on another thread."""
        self._begin(self._make(connection, request), self._making)

    async def _make(self, connection: FrontConnection, request: PlainRequest) -> None:
        try:
            answer = await asyncio.to_thread(request.slow_answer)
        except Exception as error:  # noqa: BLE001 - the next one that asks tries again
            _give_up(connection, error)
        else:
            connection.finish(answer)

    def hand_over(self, connection: FrontConnection) -> None:
        """Make a connection one of aiohttp's."""
        self._begin(self._hand_over(connection), self._leaving)

    async def _hand_over(self, connection: FrontConnection) -> None:
        try:
            server = self._server or await self._loaded()
        except Exception as error:  # noqa: BLE001 - the next one that asks tries again
            _give_up(connection, error)
        else:
            await connection.become_connection_of(server)

    def _begin(self, work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
        task = self.loop.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _loaded(self) -> LimitedServer:
        loading = self._loading = self._loading or self.loop.create_task(self._set_up())
        try:
            await asyncio.shield(loading)
        except Exception:
            if self._loading is loading:  # nobody has begun anew yet
                self._loading = None
            raise
        return cast("LimitedServer", self._server)

    async def _set_up(self) -> LimitedRunner:
        runner = await self._load()
        self._server = cast("LimitedServer", runner.server)
        self._server.opening = self.opening
        return runner
