"""What aiohttp lacks: deadlines for requests and readers, a cap on connections.

A request costs nothing but a comparison: one sweep looks at all connections while there are any. aiohttp offers no
way in, so what is used of its private names is listed in `tests/core/web/test_aiohttp.py`.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterable
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from collector_core.web.api_error import ApiError
from collector_core.web.error_responses import refused
from collector_core.web.limits import TOO_LATE, Limits, StallWatch, unsent_bytes
from collector_core.web.repeats import MAX_REQUEST_BYTES, Repeat
from collector_core.web.room import Room

ENCODINGS = ("gzip", "deflate")  # those that aiohttp can unpack without another package
_END_OF_HEADER = b"\r\n\r\n"
_CLIENT_FAULTS = (HttpProcessingError, RequestPayloadError, ConnectionError)


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
        """The loop's time since when no request is in progress; None while one is."""
        idle = self._waiter is not None and not self._messages and not self._force_close
        return self._next_keepalive_close_time - self._keepalive_timeout if idle else None

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


class LimitedServer(Room, web.Server):
    """Makes a `LimitedHandler` for each connection, counts them and sweeps them. `refused` counts the 503s."""

    def __init__(self, handler: Any, *, limits: Limits, **options: Any) -> None:
        Room.__init__(self, limits)
        web.Server.__init__(self, handler, **options)
        self._sweeper: asyncio.TimerHandle | None = None

    def __call__(self) -> LimitedHandler:
        """The protocol of a new connection."""
        return LimitedHandler(self, self.limits, loop=self._loop, **self._kwargs)

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
        self.opening.discard(handler)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self.limits.sweep_interval, self._sweep)

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
