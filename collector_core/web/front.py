"""Stands before aiohttp: answers scrapers and health checks, and hands over whoever asks for anything else.

Half of what a small collector would import and a third of its memory are asyncio's and aiohttp's. They are loaded when
the first request comes that the front does not understand; the connection of that request is aiohttp's from then on,
on an event loop of another thread: what holds up that one holds up no scrape.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Protocol

from collector_core.errors import describe
from collector_core.polling.own_thread import start_thread
from collector_core.web.acceptor import Acceptors
from collector_core.web.event_loop import EventLoop, Timer
from collector_core.web.front_connection import FrontConnection
from collector_core.web.limits import Limits
from collector_core.web.plain_requests import PlainRequest, PlainRequests
from collector_core.web.room import Room, Seat

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from collector_core.web.plain_requests import HeadAndBody

log = logging.getLogger(__name__)

_MAKERS = 4  # answers that take long to make, at once


class Successor(Protocol):
    """Goes on with connections on a thread of its own."""

    def take_over(self, connection: socket.socket, data: bytes, ended: Callable[[], object]) -> Seat:
        """Go on with a connection on which `data` has come; `ended` is called at its end, on any thread."""


class Front(Room):
    """Serves `requests` on `loop`; `load`, called on another thread, makes whoever all others are handed to."""

    def __init__(self, requests: PlainRequests, limits: Limits, loop: EventLoop, load: Callable[[], Successor]) -> None:
        super().__init__(limits)
        self.requests = requests
        self.acceptors = Acceptors()
        self.loop = loop
        self._load = load
        self._is_loading = False
        self._successor: Successor | None = None
        self._connections: set[FrontConnection] = set()
        self._handed_over: dict[FrontConnection, Seat] = {}
        self._makers: ThreadPoolExecutor | None = None
        self._sweeper: Timer | None = None

    def listen(self, listeners: Sequence[socket.socket]) -> None:
        """Accept connections from bound sockets, which are closed by `begin_to_close`."""
        self.acceptors.listen(listeners, self, self.loop)

    def take(self, connection: socket.socket, peer: str | None) -> None:
        """Look after a new connection, as long as nobody asks for more than it can answer."""
        made = FrontConnection(self, connection, peer)
        self._connections.add(made)
        self.watch(made)

    def seats(self) -> Iterator[Seat]:
        """All connections, those that were handed over too."""
        return chain(self._connections, self._handed_over.values())

    def taken(self) -> int:
        """How many connections there are."""
        return len(self._connections) + len(self._handed_over)

    def unseat(self, connection: FrontConnection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def begin_to_close(self) -> None:
        """Stop accepting, close what is idle; answers that are under way are sent as long as the loop runs."""
        self.acceptors.close()
        for connection in list(self._connections):
            connection.force_close()

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits for an answer of the front any more."""
        return not self._connections

    def close(self) -> None:
        """Close all connections but those that were handed over."""
        self.begin_to_close()
        for connection in list(self._connections):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._makers is not None:
            self._makers.shutdown(wait=False, cancel_futures=True)

    def watch(self, connection: FrontConnection) -> None:
        """Look at all connections when this one may be late, as exactly as the limits say."""
        when = connection.look_at(self.limits) + self.limits.sweep_interval
        if when == inf:
            return
        if self._sweeper and self._sweeper.when > when:
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
        if self._makers is None:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only large expositions need it

            self._makers = ThreadPoolExecutor(_MAKERS, "scrape")
        making = self._makers.submit(request.slow_answer)
        making.add_done_callback(self._on_loop(partial(self._finish, connection)))

    def _finish(self, connection: FrontConnection, making: Future[HeadAndBody]) -> None:
        if making.cancelled():
            return
        if error := making.exception():
            _give_up(connection, error)
        else:
            connection.finish(making.result())

    def hand_over(self, connection: FrontConnection) -> None:
        """Let the successor go on with a connection, as soon as it is there."""
        if self._successor:
            self._hand_over(connection, self._successor)
        elif not self._is_loading:
            self._is_loading = True
            start_thread("web", self._load).add_done_callback(self._on_loop(self._loaded))

    def _loaded(self, loading: Future[Successor]) -> None:
        self._is_loading = False
        waiting = [connection for connection in self._connections if connection.awaits_successor]
        if error := loading.exception():  # the next one that asks tries again
            for connection in waiting:
                _give_up(connection, error)
            return
        self._successor = loading.result()
        for connection in waiting:
            self._hand_over(connection, self._successor)

    def _hand_over(self, connection: FrontConnection, successor: Successor) -> None:
        ended = self._on_loop(partial(self._handed_over.pop, connection, None))
        self._handed_over[connection] = successor.take_over(*connection.leave(), ended)

    def _on_loop(self, work: Callable[..., object]) -> Callable[..., object]:
        """For other threads: have `work` done on the thread of the loop."""
        return lambda *arguments: self.loop.call_soon_threadsafe(partial(work, *arguments))


def _give_up(connection: FrontConnection, error: BaseException) -> None:
    log.error("a request cannot be answered: %s", describe(error))
    connection.abort()
