"""Accepts connections: as many as the limits allow, and after the process ran out of file descriptors too."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from collector_core.web.event_loop import Cancellable, SocketLoop
from collector_core.web.room import Room

_logger = logging.getLogger(__name__)

_ACCEPTS_PER_TURN = 128
_BACKLOG = 1024
_PAUSE = 0.25  # seconds without accepting after the process ran out of file descriptors
_QUIET = 60.0  # seconds between two log lines about the same trouble
_READ_BEFORE_CLOSE = 1 << 16
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _SeldomLog:
    """Logs a warning, then holds its tongue for a while."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    def warning(self, message: str, *args: object) -> None:
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _QUIET
            _logger.warning(message, *args)


class Acceptor:
    """Accepts the connections of one listening socket."""

    def __init__(self, listener: socket.socket, server: Room, loop: SocketLoop, busy: bytes) -> None:
        self.address = listener.getsockname()
        self._listener = listener
        self._server = server
        self._loop = loop
        self._busy = busy
        self._resume: Cancellable | None = None
        self._log = _SeldomLog()

    def start(self) -> None:
        """Accept from now on."""
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Accept no more."""
        self._loop.remove_reader(self._listener)
        if self._resume is not None:
            self._resume.cancel()
        self._listener.close()

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(error)
                return
            self._admit(connection, str(address[0]) if isinstance(address, tuple) else None)

    def _pause(self, error: OSError) -> None:
        """Out of file descriptors: the socket stays readable, so accepting again at once would only burn the CPU."""
        self._log.warning("no connections accepted for a moment: %s", error.strerror)
        self._server.make_room()
        self._loop.remove_reader(self._listener)
        self._resume = self._loop.call_later(_PAUSE, self.start)

    def _admit(self, connection: socket.socket, peer: str | None) -> None:
        connection.setblocking(False)
        if self._server.has_room():
            self._server.take(connection, peer)
        else:
            self._refuse(connection)

    def _refuse(self, connection: socket.socket) -> None:
        self._server.refused += 1
        self._log.warning("connection refused: %d are open", self._server.limits.max_connections)
        with connection, suppress(OSError):
            connection.send(self._busy)
            # Closing with unread bytes would reset the connection, and the client would not see the answer.
            connection.recv(_READ_BEFORE_CLOSE)


class Acceptors:
    """Accepts the connections of all sockets of a server."""

    def __init__(self) -> None:
        self._acceptors: list[Acceptor] = []

    @property
    def addresses(self) -> list[Any]:
        """The addresses that are listened on, as `socket.getsockname` gives them."""
        return [acceptor.address for acceptor in self._acceptors]

    def listen(
        self, listeners: Sequence[socket.socket], server: Room, loop: SocketLoop, *, encrypted: bool = False
    ) -> None:
        """Accept connections from bound sockets, which are closed by `close`; on the thread of `loop`."""
        for listener in listeners:
            listener.setblocking(False)
            listener.listen(_BACKLOG)
            acceptor = Acceptor(listener, server, loop, b"" if encrypted else _BUSY)
            self._acceptors.append(acceptor)
            acceptor.start()

    def close(self) -> None:
        """Accept no more."""
        while self._acceptors:
            self._acceptors.pop().close()
