"""What aiohttp lacks: deadlines for requests and readers, a cap on connections.

A request costs nothing but a comparison: one sweep looks at all connections while there are any. aiohttp offers no
way in, so what is used of its private names is listed in `tests/core/web/test_aiohttp.py`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from collector_core.web.api_error import ApiError
from collector_core.web.error_responses import refused
from collector_core.web.limits import TOO_LATE, Limits, StallWatch
from collector_core.web.repeats import MAX_REQUEST_BYTES, Repeat
from collector_core.web.room import Room

ENCODINGS = ("gzip", "deflate")  # those that aiohttp can unpack without another package
_END_OF_HEADER = b"\r\n\r\n"
_SHUTDOWN_SECONDS = 2.0  # for the goodbye of TLS
_CLIENT_FAULTS = (HttpProcessingError, RequestPayloadError, ConnectionError)

log = logging.getLogger(__name__)

ContextSource = Callable[[], ssl.SSLContext]


class LimitedHandler(RequestHandler):
    """One connection, which knows what it is late with when the sweep of its server asks.

    It remembers the last request that may be repeated, and answers repetitions without parsing them. That takes a
    connection on which every request came in one piece, after the answer to the one before: then the parser holds
    nothing back, and the bytes are a request.
    """

    __slots__ = (
        "_in_header",
        "_in_step",
        "_limits",
        "_phase",
        "_phase_since",
        "_raw_request",
        "_repeat",
        "_stall_watch",
    )

    def __init__(self, manager: LimitedServer, limits: Limits, **options: Any) -> None:
        super().__init__(manager, **options)
        self._limits = limits
        self._in_header = True
        self._in_step = True
        self._raw_request = b""
        self._repeat: Repeat | None = None
        self._phase: tuple[str, int, int] | None = None
        self._phase_since = 0.0
        self._stall_watch = StallWatch()

    def data_received(self, data: bytes) -> None:
        """Parse `data`; what completes no request while one is awaited is part of a header."""
        if self._repeat is not None and data == self._repeat.request and self._answer(self._repeat):
            return
        awaited, count = self._in_header or self._waiter is not None, self._request_count
        in_step = self._in_step and (self._is_waiting() or not count)
        super().data_received(data)
        self._in_header = awaited and self._request_count == count
        self._in_step = in_step and data.endswith(_END_OF_HEADER) and self._holds_one_request()
        self._raw_request = data if self._in_step and len(data) <= MAX_REQUEST_BYTES else b""

    def _is_waiting(self) -> bool:
        return self._waiter is not None and not self._waiter.done() and not self._messages

    def _holds_one_request(self) -> bool:
        return len(self._messages) == 1 and self._messages[0][1].is_eof()

    def _answer(self, repeat: Repeat) -> bool:
        """Answer a repetition at once; False if it must be parsed."""
        transport, server = self.transport, self._manager
        if (
            not self._in_step
            or not self._is_waiting()
            or server is None
            or not isinstance(transport, asyncio.Transport)
        ):
            return False
        if self._force_close or unsent_bytes(transport):
            return False
        pieces = repeat.answer()
        if pieces is None:
            return False
        server.requests_count += 1
        self._request_count += 1
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        for piece in pieces:
            transport.write(piece)
        return True

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer, and remember how to give it again."""
        finished = await super().finish_response(request, resp, start_time)
        self._repeat = Repeat.of(self._raw_request, request, resp) if self._raw_request else None
        return finished

    def idle_since(self) -> float | None:
        """Since when no request is in progress (monotonic seconds); None while one is. On any thread."""
        idle = self._waiter is not None and not self._messages and not self._force_close
        return self._next_keepalive_close_time - self._keepalive_timeout if idle else None

    def give_way(self) -> None:
        """Close when the request in progress has been answered."""
        if self.idle_since() is None:
            self.close()
        else:
            self.force_close()

    def is_busy(self, transport: asyncio.Transport) -> bool:
        """Whether a request is being answered, or its answer is not sent yet."""
        return self._request_in_progress or unsent_bytes(transport) > 0

    def sweep(self, transport: asyncio.Transport, now: float) -> None:
        """Close the connection if it is late at `now`, in the loop's time."""
        if self._stall_watch.stalls(unsent_bytes(transport), now, self._limits.stall_timeout):
            transport.abort()
        elif self.transport is not None and self._is_late(now):
            if self._in_header:
                self.transport.write(TOO_LATE)
            self.force_close()

    def _is_late(self, now: float) -> bool:
        part, timeout = self._awaited()
        phase = (part, self._request_count, self._progress())
        if phase != self._phase:
            self._phase, self._phase_since = phase, now
        return now - self._phase_since >= timeout

    def _progress(self) -> int:
        """How many pieces of its body the request has sent."""
        request = self._current_request
        return 0 if request is None else request.content.total_bytes // self._limits.body_progress

    def _awaited(self) -> tuple[str, float]:
        request = self._current_request
        if self._in_header:
            return "header", self._limits.header_timeout
        # When reading is paused it is the application that is slow, not the client.
        if request is not None and not request.content.is_eof() and not self._reading_paused:
            return "body", self._limits.body_timeout
        return "nothing", math.inf

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
        if isinstance(exc, ContentEncodingError) and not any(known in str(exc) for known in ENCODINGS):
            return _unknown_encoding()
        if isinstance(exc, RequestPayloadError):
            status, message = 400, "400: the body is malformed"
        return super().handle_error(request, status, exc, message)

    def log_exception(self, *args: Any, **options: Any) -> None:
        """Log a fault of ours; a client's fault, or what a gone one leaves, is for debug, or clients could flood it."""
        clients = self.transport is None or isinstance(options.get("exc_info"), _CLIENT_FAULTS)
        level = logging.DEBUG if clients else logging.ERROR
        self.logger.log(level, *args, **options)


def _unknown_encoding() -> web.Response:
    """The answer to a body that nobody here can unpack; what follows it cannot be told from it."""
    text = " or ".join(ENCODINGS)
    error = ApiError(415, "unsupported encoding", field="Content-Encoding", fix=f"send {text}, or no encoding")
    response = refused(error)
    response.force_close()
    return response


def unsent_bytes(transport: asyncio.Transport) -> int:
    """What the client has not taken yet; asyncio's TLS transport leaves out what it has encrypted already."""
    below: asyncio.Transport | None = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
    return transport.get_write_buffer_size() + (below.get_write_buffer_size() if below else 0)


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


class LimitedServer(Room, web.Server):
    """Makes a `LimitedHandler` for each connection, counts them and sweeps them. `refused` counts the 503s.

    `context` is asked for the context of each new connection; without it they are not encrypted.
    """

    def __init__(self, handler: Any, *, limits: Limits, **options: Any) -> None:
        Room.__init__(self, limits)
        web.Server.__init__(self, handler, **options)
        self.context: ContextSource | None = None
        self._opening: dict[LimitedHandler, asyncio.Task[None]] = {}
        self._ended: dict[RequestHandler, Callable[[], object]] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    def __call__(self) -> LimitedHandler:
        """The protocol of a new connection."""
        return LimitedHandler(self, self.limits, loop=self._loop, **self._kwargs)

    def take(self, connection: socket.socket, peer: str | None) -> None:
        """Look after a new connection."""
        del peer
        handler = self()
        self._opening[handler] = self._loop.create_task(self._open(handler, connection, handler, self.context))

    def take_over(
        self, handler: LimitedHandler, connection: socket.socket, data: bytes, ended: Callable[[], object]
    ) -> None:
        """Let `handler` go on with a connection on which `data` has come; `ended` is called at its end."""
        self._ended[handler] = ended
        opening = self._open(handler, connection, _Successor(handler, data), None)
        self._opening[handler] = self._loop.create_task(opening)

    async def _open(
        self,
        handler: LimitedHandler,
        connection: socket.socket,
        protocol: asyncio.BaseProtocol,
        context: ContextSource | None,
    ) -> None:
        tls: dict[str, Any] = {}
        try:
            if context is not None:
                patience = self.limits.header_timeout
                tls = {"ssl": context(), "ssl_handshake_timeout": patience, "ssl_shutdown_timeout": _SHUTDOWN_SECONDS}
            await self._loop.connect_accepted_socket(lambda: protocol, connection, **tls)
        except OSError as error:
            log.debug("connection not opened: %s", error)
            connection.close()
        finally:
            self._opening.pop(handler, None)
            if handler not in self._connections:
                self._end(handler)

    async def stop_opening(self) -> None:
        """Give up the handshakes that are under way."""
        await asyncio.sleep(0)  # a task that is cancelled before its first step would leave its socket open
        tasks = list(self._opening.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def taken(self) -> int:
        """How many connections there are, with those that are being opened."""
        return len(self._connections) + len(self._opening)

    @property
    def handlers(self) -> dict[LimitedHandler, asyncio.Transport]:
        """All connections."""
        return cast("dict[LimitedHandler, asyncio.Transport]", self._connections)

    def seats(self) -> Iterable[LimitedHandler]:
        """Who may have to give way."""
        return self.handlers

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Register a connection; the first one starts the sweep."""
        super().connection_made(handler, transport)
        self._opening.pop(cast("LimitedHandler", handler), None)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self.limits.sweep_interval, self._sweep)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a connection."""
        super().connection_lost(handler, exc)
        if task := handler._task_handler:  # noqa: SLF001 - it counts until it is done
            task.add_done_callback(lambda _: self._end(handler))
        else:
            self._end(handler)

    def _end(self, handler: RequestHandler) -> None:
        if ended := self._ended.pop(handler, None):
            ended()

    def _sweep(self) -> None:
        now = self._loop.time()
        for handler, transport in list(self.handlers.items()):
            handler.sweep(transport, now)
        again = bool(self._connections)
        self._sweeper = self._loop.call_later(self.limits.sweep_interval, self._sweep) if again else None

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's signature
        """Let the requests in progress end for `timeout` seconds, then cut every connection."""
        handlers = dict(self.handlers)
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
