"""Limits that aiohttp lacks: deadlines for requests and readers, a cap on connections, an accept loop that survives.

A request costs nothing but a comparison: one sweep per second looks at all connections while there are any.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from types import MappingProxyType
from typing import Any, cast

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from collector_core.errors import StartupError

_logger = logging.getLogger(__name__)

_BACKLOG = 1024
_ACCEPTS_PER_TURN = 128
_PAUSE = 0.25  # seconds without accepting after the process ran out of file descriptors
_QUIET = 60.0  # seconds between two log lines about the same trouble
_LINGER = 2.0  # seconds to read the rest of a body that the application did not want
_READ_BEFORE_CLOSE = 1 << 16
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


_NO_SUCH_FAMILY = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # `localhost` names ::1 on machines without IPv6 too
_ADVICE = {
    errno.EADDRINUSE: "stop the program that listens there, or choose another port",
    errno.EACCES: "choose a port above 1023, or give the program CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}

_CLIENT_FAULTS = (HttpProcessingError, RequestPayloadError, ConnectionError)

ContextSource = Callable[[], ssl.SSLContext]


@dataclass(frozen=True)
class Limits:
    """What a client may take. Times are seconds, and are met with the precision of `sweep_interval`."""

    header_timeout: float = 5.0
    """From the connection, or from the first byte of a further request, to the end of the request's header.
    Also for the TLS handshake."""
    body_timeout: float = 10.0
    """From the end of the header to the end of the body."""
    idle_timeout: float = 75.0
    """Between two requests of a connection; longer than the usual scrape interval of 60 s, so it is reused."""
    stall_timeout: float = 30.0
    """Without the client taking any byte of its answer."""
    drain_timeout: float = 2.0
    """For requests in progress when the server stops."""
    max_connections: int = 512
    """At once, with TLS handshakes; beyond it the longest idle one gives way, or else the new one gets a 503."""
    min_idle: float = 1.0
    """How long a connection must have been idle before it gives way."""
    max_line_bytes: int = 8190
    """Of the request line and of each header field; a longer one gets a 400."""
    max_headers: int = 64
    """Header fields of a request; more get a 400."""
    max_body_bytes: int = 1 << 20
    """Of a request's body after decompression; reading a larger one gets a 413."""
    sweep_interval: float = 2.5
    """Between two looks at all connections."""


DEFAULT_LIMITS = Limits()


class _SeldomLog:
    """Logs a warning, then holds its tongue for a while."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    def warning(self, message: str, *args: object) -> None:
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _QUIET
            _logger.warning(message, *args)


class GuardedHandler(RequestHandler):
    """One connection, which knows what it is late with when the sweep of its server asks."""

    __slots__ = ("_in_header", "_limits", "_phase", "_phase_since", "_unsent", "_unsent_since")

    def __init__(self, manager: GuardedServer, limits: Limits, **options: Any) -> None:
        super().__init__(manager, **options)
        self._limits = limits
        self._in_header = True
        self._phase: tuple[str, int] | None = None
        self._phase_since = 0.0
        self._unsent = 0
        self._unsent_since = 0.0

    def data_received(self, data: bytes) -> None:
        """Parse `data`; what completes no request while one is awaited is part of a header."""
        awaited, count = self._in_header or self._waiter is not None, self._request_count
        super().data_received(data)
        self._in_header = awaited and self._request_count == count

    def idle_since(self) -> float | None:
        """The loop's time since when no request is in progress; None while one is."""
        idle = self._waiter is not None and not self._messages and not self._force_close
        return self._next_keepalive_close_time - self._keepalive_timeout if idle else None

    def is_busy(self, transport: asyncio.Transport) -> bool:
        """Whether a request is being answered, or its answer is not sent yet."""
        return self._request_in_progress or _unsent_bytes(transport) > 0

    def sweep(self, transport: asyncio.Transport, now: float) -> None:
        """Close the connection if it is late at `now`, in the loop's time."""
        if self._stalls(transport, now):
            transport.abort()
        elif self.transport is not None and self._is_late(now):
            if self._in_header:
                self.transport.write(_LATE)
            self.force_close()

    def _is_late(self, now: float) -> bool:
        part, timeout = self._awaited()
        phase = (part, self._request_count)
        if phase != self._phase:
            self._phase, self._phase_since = phase, now
        return now - self._phase_since >= timeout

    def _awaited(self) -> tuple[str, float]:
        request = self._current_request
        if self._in_header:
            return "header", self._limits.header_timeout
        # When reading is paused it is the application that is slow, not the client.
        if request is not None and not request.content.is_eof() and not self._reading_paused:
            return "body", self._limits.body_timeout
        return "nothing", math.inf

    def _stalls(self, transport: asyncio.Transport, now: float) -> bool:
        unsent = _unsent_bytes(transport)
        if unsent < self._unsent or not self._unsent:
            self._unsent_since = now
        self._unsent = unsent
        return unsent > 0 and now - self._unsent_since >= self._limits.stall_timeout

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer an error: 400 for a body that cannot be decoded, nothing when the client is gone."""
        if isinstance(exc, ConnectionError):
            raise exc
        if isinstance(exc, RequestPayloadError):
            status, message = 400, "400: the body is malformed"
        return super().handle_error(request, status, exc, message)

    def log_exception(self, *args: Any, **options: Any) -> None:
        """Log a fault of ours; a client's fault is for the debug log, or clients could flood the log."""
        level = logging.DEBUG if isinstance(options.get("exc_info"), _CLIENT_FAULTS) else logging.ERROR
        self.logger.log(level, *args, **options)


def _unsent_bytes(transport: asyncio.Transport) -> int:
    """What the client has not taken yet; asyncio's TLS transport leaves out what it has encrypted already."""
    below: asyncio.Transport | None = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
    return transport.get_write_buffer_size() + (below.get_write_buffer_size() if below else 0)


class GuardedServer(web.Server):
    """Makes a `GuardedHandler` for each connection, counts them and sweeps them. `refused` counts the 503s."""

    def __init__(self, handler: Any, *, limits: Limits, **options: Any) -> None:
        super().__init__(handler, **options)
        self.limits = limits
        self.refused = 0
        self.opening: set[GuardedHandler] = set()
        self._no_room_until = 0.0
        self._sweeper: asyncio.TimerHandle | None = None

    def __call__(self) -> GuardedHandler:
        """The protocol of a new connection."""
        return GuardedHandler(self, self.limits, loop=self._loop, **self._kwargs)

    @property
    def _handlers(self) -> dict[GuardedHandler, asyncio.Transport]:
        return cast("dict[GuardedHandler, asyncio.Transport]", self._connections)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Register a connection; the first one starts the sweep."""
        super().connection_made(handler, transport)
        self.opening.discard(cast("GuardedHandler", handler))
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self.limits.sweep_interval, self._sweep)

    def _sweep(self) -> None:
        now = self._loop.time()
        for handler, transport in list(self._handlers.items()):
            handler.sweep(transport, now)
        again = bool(self._connections)
        self._sweeper = self._loop.call_later(self.limits.sweep_interval, self._sweep) if again else None

    def has_room(self) -> bool:
        """Whether one more connection may be opened; closes an idle one for it if need be."""
        return len(self._connections) + len(self.opening) < self.limits.max_connections or self.make_room()

    def make_room(self) -> bool:
        """Close the connection that has been idle longest; False if none has been for `min_idle` seconds."""
        now = self._loop.time()
        if now < self._no_room_until:
            return False
        idle = ((since, handler) for handler in self._handlers if (since := handler.idle_since()) is not None)
        since, longest = min(idle, key=itemgetter(0), default=(now, None))
        if longest is None or now - since < self.limits.min_idle:
            self._no_room_until = since + self.limits.min_idle
            return False
        longest.force_close()
        return True

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's signature
        """Let the requests in progress end for `timeout` seconds, then cut every connection."""
        handlers = dict(self._handlers)
        for handler, transport in handlers.items():
            if not handler.is_busy(transport):
                handler.force_close()
        deadline = self._loop.time() + (timeout or 0)
        # Polled, because only the end of the service waits for this and no request should pay for it.
        while self._loop.time() < deadline and any(one.is_busy(way) for one, way in handlers.items()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await super().shutdown(0.05)
        for transport in handlers.values():
            transport.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()


class _Acceptor:
    """Accepts the connections of one listening socket."""

    def __init__(self, listener: socket.socket, server: GuardedServer, context: ContextSource | None) -> None:
        self.address = listener.getsockname()
        self._listener = listener
        self._server = server
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._resume: asyncio.TimerHandle | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self._log = _SeldomLog()

    def start(self) -> None:
        """Accept from now on."""
        self._loop.add_reader(self._listener, self._accept)

    async def close(self) -> None:
        """Accept no more, and give up the handshakes that are under way."""
        self._loop.remove_reader(self._listener)
        if self._resume is not None:
            self._resume.cancel()
        self._listener.close()
        await asyncio.sleep(0)  # a task that is cancelled before its first step would leave its socket open
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(error)
                return
            self._admit(connection)

    def _pause(self, error: OSError) -> None:
        """Out of file descriptors: the socket stays readable, so accepting again at once would only burn the CPU."""
        self._log.warning("no connections accepted for a moment: %s", error.strerror)
        self._server.make_room()
        self._loop.remove_reader(self._listener)
        self._resume = self._loop.call_later(_PAUSE, self.start)

    def _admit(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        if not self._server.has_room():
            self._refuse(connection)
            return
        handler = self._server()
        self._server.opening.add(handler)
        task = self._loop.create_task(self._open(handler, connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def _refuse(self, connection: socket.socket) -> None:
        self._server.refused += 1
        self._log.warning("connection refused: %d are open", self._server.limits.max_connections)
        with connection, suppress(OSError):
            if self._context is None:
                connection.send(_BUSY)
            # Closing with unread bytes would reset the connection, and the client would not see the answer.
            connection.recv(_READ_BEFORE_CLOSE)

    async def _open(self, handler: GuardedHandler, connection: socket.socket) -> None:
        timeouts: dict[str, Any] = {}
        if self._context is not None:
            patience = self._server.limits.header_timeout
            timeouts = {"ssl": self._context(), "ssl_handshake_timeout": patience, "ssl_shutdown_timeout": 2.0}
        try:
            await self._loop.connect_accepted_socket(lambda: handler, connection, **timeouts)
        except OSError as error:
            _logger.debug("connection not opened: %s", error)
        finally:
            self._server.opening.discard(handler)


class GuardedRunner(web.AppRunner):
    """Serves an application within limits; `await cleanup()` stops it within `drain_timeout`."""

    def __init__(self, app: web.Application, limits: Limits, direct: Mapping[str, Handler]) -> None:
        super().__init__(app, shutdown_timeout=limits.drain_timeout)
        self._limits = limits
        self._direct = direct
        self._acceptors: list[_Acceptor] = []

    @property
    def addresses(self) -> list[Any]:
        """The addresses that are listened on, as `socket.getsockname` gives them."""
        return [acceptor.address for acceptor in self._acceptors]

    @property
    def refused(self) -> int:
        """Connections refused because too many were open."""
        return self._server.refused if isinstance(self._server, GuardedServer) else 0

    def listen(self, listeners: Sequence[socket.socket], ssl_context: ContextSource | None) -> None:
        """Accept connections from bound sockets, which are closed by `cleanup`; call `setup` before."""
        server = cast("GuardedServer", self._server)
        for listener in listeners:
            listener.setblocking(False)
            listener.listen(_BACKLOG)
            acceptor = _Acceptor(listener, server, ssl_context)
            self._acceptors.append(acceptor)
            acceptor.start()

    async def cleanup(self) -> None:
        """Stop accepting, let requests in progress end, close everything."""
        while self._acceptors:
            await self._acceptors.pop().close()
        await super().cleanup()

    async def _make_server(self) -> GuardedServer:
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

        return GuardedServer(
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
) -> GuardedRunner:
    """Serve `app` on `host` and `port`, or on bound `sockets`; raises `StartupError` if the address is not to be had.

    `direct` are handlers of GET requests by path that need neither middlewares nor the router, which cost as much
    as a small answer.
    `ssl_context` is asked for the context of each new connection; without it connections are not encrypted.
    """
    listeners = list(sockets) or await bind(host, port)
    runner = GuardedRunner(app, limits, direct)
    try:
        await runner.setup()
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    runner.listen(listeners, ssl_context)
    return runner


async def bind(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of `host`; an empty host is every address. Port 0 is a free one.

    Raises `StartupError`, which names the address and what to do.
    """
    listeners: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, address in await _resolve(host, port):
            try:
                listeners.append(_bound(family, address))
            except OSError as error:
                if error.errno not in _NO_SUCH_FAMILY:
                    raise
                missing = error
        if missing and not listeners:
            raise missing
    except (OSError, OverflowError, UnicodeError) as error:
        for listener in listeners:
            listener.close()
        raise StartupError(_unavailable(host, port, error)) from None
    return listeners


async def _resolve(host: str, port: int) -> dict[tuple[int, Any], None]:
    if not 0 <= port <= 0xFFFF:
        raise OverflowError("no such port")  # else getaddrinfo takes the last 16 bits
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return dict.fromkeys((family, address) for family, _, _, _, address in found)


def _bound(family: int, address: Any) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener


def _unavailable(host: str, port: int, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or error
    advice = _ADVICE.get(getattr(error, "errno", None) or 0, "check the listen address")
    return f"cannot listen on {host or '*'}:{port}: {reason}; {advice}"
