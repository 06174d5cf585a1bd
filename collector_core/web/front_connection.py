"""A connection of the front: two calls of the kernel for an answer, one that receives and one that sends."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from collector_core.web.limits import TOO_LATE, Limits, StallWatch
from collector_core.web.plain_requests import MAX_BYTES, HeadAndBody, PlainRequest

if TYPE_CHECKING:
    from collector_core.web.front import Front

_NOTHING = memoryview(b"")
_NOT_NOW = (BlockingIOError, InterruptedError)


def _send_joined(connection: socket.socket, answer: HeadAndBody) -> int:
    return connection.send(b"".join(answer))


_send_together: Callable[[socket.socket, HeadAndBody], int] = (
    _send_joined if sys.platform == "win32" else socket.socket.sendmsg
)
"""Sends with one call; returns how many bytes were taken. Only Windows has none for several pieces."""


class FrontConnection:
    """A connection that has asked for nothing yet, or for what its front can answer; `peer` is the client's address.

    Nothing is read while something waits to be sent or is being made. An error of the socket ends the connection.
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
        self._for_successor = b""  # what it is to read first
        self._stall_watch: StallWatch | None = None
        with suppress(OSError):  # it has ended already
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(connection, self._read)

    @property
    def is_open(self) -> bool:
        """Whether it is still this connection's."""
        return self._socket.fileno() >= 0

    @property
    def awaits_successor(self) -> bool:
        """Whether it has asked for more than its front can answer."""
        return bool(self._for_successor)

    def _read(self) -> None:
        """Answer a request that is understood; hand over all others."""
        try:
            data = self._socket.recv(MAX_BYTES + 1)
            if data != self._request:
                self._understand(data)
            answer = self._plain.answer() if self._plain else None
            if answer:
                self._send(answer)
            else:
                self._wait_for_answer(data)
        except _NOT_NOW:
            pass
        except OSError:
            self.abort()
        except Exception:
            self.abort()
            raise

    def _understand(self, data: bytes) -> None:
        self._plain, self._request = self._front.requests.read(data, self._peer), data
        self._ends_when_sent = self._plain is not None and not self._plain.keeps_open

    def _wait_for_answer(self, data: bytes) -> None:
        if not data:
            self.abort()
            return
        self._loop.remove_reader(self._socket)
        if self._plain:
            self._is_making = True
            self._front.make(self, self._plain)
        else:
            self._for_successor, self._since = data, self._loop.time()
            self._front.watch(self)
            self._front.hand_over(self)

    def finish(self, answer: HeadAndBody) -> None:
        """Send an answer that took long to make."""
        self._is_making = False
        if not self.is_open:
            return
        try:
            self._loop.add_reader(self._socket, self._read)
            self._send(answer)
        except OSError:
            self.abort()
        self._front.watch(self)

    def _send(self, answer: HeadAndBody) -> None:
        head, body = answer
        try:
            sent = _send_together(self._socket, answer)
        except _NOT_NOW:
            sent = 0
        left = len(head) + len(body) - sent
        self._since = self._loop.time()
        if not self._answered:
            self._answered = True
            self._front.watch(self)
        if left:
            self._send_later(memoryview(body if left <= len(body) else head + body)[-left:])
        elif self._ends_when_sent:
            self.abort()

    def _send_later(self, unsent: memoryview) -> None:
        self._unsent = unsent
        self._stall_watch = StallWatch()
        self._loop.add_writer(self._socket, self._send_rest)
        self._front.watch(self)

    def _send_rest(self) -> None:
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except _NOT_NOW:
            return
        except OSError:
            self.abort()
            return
        if self._unsent:
            return
        self._unsent = _NOTHING  # an empty view of a body keeps all of it
        self._since = self._loop.time()
        if self._ends_when_sent:
            self.abort()
        else:
            self._loop.add_reader(self._socket, self._read)

    def leave(self) -> tuple[socket.socket, bytes]:
        """The socket, for whoever goes on with it, and what has come already."""
        self._front.unseat(self)
        return self._socket, self._for_successor

    def look_at(self, limits: Limits) -> float:
        """The loop's time when it may be late: at once while something waits to be sent, not while we are."""
        if self._is_making:
            return inf
        if self._unsent:
            return self._loop.time()
        if self._for_successor:
            return self._since + limits.stall_timeout  # aiohttp cannot be loaded
        return self._since + (limits.idle_timeout if self._answered else limits.header_timeout)

    def sweep(self, now: float, limits: Limits) -> None:
        """Close the connection if it is late at `now`, in the loop's time."""
        if self._stall_watch and self._unsent:
            if self._stall_watch.stalls(len(self._unsent), now, limits.stall_timeout):
                self.abort()
        elif now >= self.look_at(limits):
            if not self._answered and not self._for_successor:
                with suppress(OSError):
                    self._socket.send(TOO_LATE)
            self.abort()

    def idle_since(self) -> float | None:
        """Since when no request is in progress (monotonic seconds); None while one is."""
        return None if self._for_successor or self._unsent or self._is_making else self._since

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
            self._socket.close()
        self._front.unseat(self)
