"""An event loop for sockets, timers and calls of other threads: what the front needs, without asyncio.

What asyncio imports costs as much CPU as five starts of Python, and 10 MiB.
"""

from __future__ import annotations

import heapq
import logging
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


class _Watch:
    """Whom to call when a socket is ready: nobody after that has changed, even if it was seen to be ready before."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback


class EventLoop:
    """Calls back on the thread that runs it; an exception of a callback is logged and harms no other.

    A socket is watched for one thing at a time: something to read, or that something can be sent. Other threads may
    use nothing but `call_soon_threadsafe`.
    """

    time = staticmethod(time.monotonic)

    def __init__(self) -> None:
        self._selector = DefaultSelector()
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
        self._watch(connection, EVENT_READ, callback)

    def add_writer(self, connection: socket.socket, callback: Callback) -> None:
        """Call back whenever something can be sent; no more when there is something to read."""
        self._watch(connection, EVENT_WRITE, callback)

    def remove_reader(self, connection: socket.socket) -> None:
        """Call back no more for an open socket; nothing happens where that was not asked for."""
        key = self._selector.get_map().get(connection)
        if key:
            key.data.callback = None
            self._selector.unregister(connection)

    remove_writer = remove_reader

    def run_until(self, done: Callable[[], bool], deadline: float = inf) -> None:
        """Call back until `done`, which is asked after each turn, or until the loop's time is `deadline`."""
        while not done() and self.time() < deadline:
            self._turn(deadline)

    def close(self) -> None:
        """Watch nothing any more. What was watched stays open."""
        self._selector.close()
        self._woken.close()
        self._waker.close()

    def _turn(self, deadline: float) -> None:
        """Wait for something, at most until `deadline`, and call back for all that is due then."""
        for key, _ in self._selector.select(self._patience(deadline)):
            if callback := key.data.callback:
                _call(callback)
        timers = self._timers
        if timers and timers[0].when <= self.time():
            self._call_due(self.time())

    def _patience(self, deadline: float) -> float:
        if self._timers:
            deadline = min(deadline, self._timers[0].when)
        return min(deadline - self.time(), _LONGEST_WAIT)

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
        key = self._selector.get_map().get(connection)
        if key:
            key.data.callback = None
            self._selector.modify(connection, event, _Watch(callback))
        else:
            self._selector.register(connection, event, _Watch(callback))


def _call(callback: Callback) -> None:
    try:
        callback()
    except Exception:  # it must go on for all others
        log.exception("a callback of the web server failed")
