"""An event loop for sockets, timers and calls of other threads: what the front needs, without asyncio.

What asyncio imports costs as much CPU as five starts of Python, and 10 MiB.
"""

from __future__ import annotations

import heapq
import logging
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Protocol

log = logging.getLogger(__name__)

Callback = Callable[[], object]
_LONGEST_WAIT = 3600.0  # seconds; a selector cannot be waited for without end
_WAKE_UPS = 4096  # bytes read at once
_READABLE, _WRITABLE = 1, 4  # as `select.epoll` and poll(2) have them


class Cancellable(Protocol):
    """Something that is to happen."""

    def cancel(self) -> None:
        """Let it not happen; any number of times."""


class SocketLoop(Protocol):
    """What accepts connections needs of an event loop, be it asyncio's or ours."""

    def add_reader(self, fd: socket.socket, callback: Callback, /) -> None:
        """Call back whenever there is something to read."""

    def remove_reader(self, fd: socket.socket, /) -> object:
        """Call back no more; nothing happens where that was not asked for."""

    def call_later(self, delay: float, callback: Callback, /) -> Cancellable:
        """Call back once, after so many seconds."""


class Timer:
    """Calls back once, at `when` in the loop's time, unless it is cancelled."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callback) -> None:
        self.when = when
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        """Let it not happen; any number of times."""
        self.callback = None

    def __lt__(self, other: Timer) -> bool:
        return self.when < other.when


class Poller(Protocol):
    """What tells which files are ready: `select.epoll`, or the like of it."""

    def register(self, fd: int, eventmask: int, /) -> None:
        """Watch a file that is not watched yet."""

    def modify(self, fd: int, eventmask: int, /) -> None:
        """Watch a file for something else."""

    def unregister(self, fd: int, /) -> None:
        """Watch a file no more."""

    def poll(self, timeout: float, /) -> list[tuple[int, int]]:
        """Wait for files that are ready, with what they are ready for; empty after so many seconds."""

    def close(self) -> None:
        """Watch nothing any more."""


class PortablePoller:
    """`selectors` in the shape of `select.epoll`, for platforms without it; a scrape takes about 25 µs more."""

    def __init__(self) -> None:
        self._selector = DefaultSelector()
        self.close = self._selector.close

    def register(self, fd: int, events: int) -> None:
        """Watch a file that is not watched yet."""
        self._selector.register(fd, _events(events))

    def modify(self, fd: int, events: int) -> None:
        """Watch a file for something else."""
        self._selector.modify(fd, _events(events))

    def unregister(self, fd: int) -> None:
        """Watch a file no more."""
        self._selector.unregister(fd)

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        """Wait for files that are ready, with what they are ready for; empty after so many seconds."""
        return [(key.fd, events) for key, events in self._selector.select(timeout)]


def _events(mask: int) -> int:
    return EVENT_READ if mask == _READABLE else EVENT_WRITE


class EventLoop:
    """Calls back on the thread that runs it; an exception of a callback is logged and harms no other.

    A socket is watched for one thing at a time: something to read, or that something can be sent. Other threads may
    use nothing but `call_soon_threadsafe`.
    """

    time = staticmethod(time.monotonic)

    def __init__(self, poller: Poller | None = None) -> None:
        self._poller: Poller = poller or (select.epoll() if hasattr(select, "epoll") else PortablePoller())
        self._callbacks: dict[int, Callback] = {}
        self._timers: list[Timer] = []
        self._calls: deque[Callback] = deque()
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker):
            end.setblocking(False)
        self.add_reader(self._woken, self._make_calls)

    def call_soon_threadsafe(self, callback: Callback) -> None:
        """Call back soon, in the order in which it was asked for; from any thread, and after the end in vain."""
        self._calls.append(callback)
        with suppress(OSError):  # full of wake-ups, or closed
            self._waker.send(b"\0")

    def call_later(self, delay: float, callback: Callback) -> Timer:
        """Call back once, after so many seconds."""
        return self.call_at(self.time() + delay, callback)

    def call_at(self, when: float, callback: Callback) -> Timer:
        """Call back once, at `when` in the loop's time."""
        timer = Timer(when, callback)
        heapq.heappush(self._timers, timer)
        return timer

    def add_reader(self, connection: socket.socket, callback: Callback) -> None:
        """Call back whenever there is something to read, or the end has come; no more when something can be sent."""
        self._watch(connection, _READABLE, callback)

    def add_writer(self, connection: socket.socket, callback: Callback) -> None:
        """Call back whenever something can be sent; no more when there is something to read."""
        self._watch(connection, _WRITABLE, callback)

    def remove_reader(self, connection: socket.socket) -> None:
        """Call back no more for an open socket; nothing happens where that was not asked for."""
        if self._callbacks.pop(connection.fileno(), None):
            self._poller.unregister(connection.fileno())

    remove_writer = remove_reader

    def run_until(self, done: Callable[[], bool], deadline: float = inf) -> None:
        """Call back until `done`, which is asked after each turn, or until the loop's time is `deadline`."""
        while not done() and self.time() < deadline:
            self._turn(deadline)

    def close(self) -> None:
        """Watch nothing any more. What was watched stays open."""
        self._poller.close()
        self._woken.close()
        self._waker.close()

    def _turn(self, deadline: float) -> None:
        """Wait for something, at most until `deadline`, and call back for all that is due then."""
        timers = self._timers
        if timers and timers[0].when < deadline:
            deadline = timers[0].when
        for fd, _ in self._poller.poll(max(0.0, min(deadline - self.time(), _LONGEST_WAIT))):
            if callback := self._callbacks.get(fd):
                _call(callback)
        if timers and timers[0].when <= self.time():
            self._call_due(self.time())

    def _call_due(self, now: float) -> None:
        while self._timers and self._timers[0].when <= now:
            timer = heapq.heappop(self._timers)
            if timer.callback:
                _call(timer.callback)

    def _make_calls(self) -> None:
        self._woken.recv(_WAKE_UPS)
        for _ in range(len(self._calls)):
            _call(self._calls.popleft())

    def _watch(self, connection: socket.socket, event: int, callback: Callback) -> None:
        fd = connection.fileno()
        watch = self._poller.modify if fd in self._callbacks else self._poller.register
        watch(fd, event)
        self._callbacks[fd] = callback


def _call(callback: Callback) -> None:
    try:
        callback()
    except Exception:  # it must go on for all others
        log.exception("a callback of the web server failed")
