"""How many connections a server has room for."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from operator import itemgetter
from time import monotonic
from typing import Protocol

from collector_core.web.limits import Limits


class Seat(Protocol):
    """A connection that may give way to a new one."""

    def idle_since(self) -> float | None:
        """Since when no request is in progress (monotonic seconds); None while one is."""

    def force_close(self) -> None:
        """End the connection."""


class Room:
    """The connections of a server; `refused` counts those for which there was no room."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.refused = 0
        self._no_room_until = 0.0

    def take(self, connection: socket.socket, peer: str | None) -> None:
        """Look after a new connection of `peer`."""
        raise NotImplementedError

    def taken(self) -> int:
        """How many connections there are, with those that are being opened."""
        raise NotImplementedError

    def seats(self) -> Iterable[Seat]:
        """All connections that are open."""
        raise NotImplementedError

    def has_room(self) -> bool:
        """Whether one more connection may be opened; closes an idle one for it if need be."""
        return self.taken() < self.limits.max_connections or self.make_room()

    def make_room(self) -> bool:
        """Close the connection that has been idle longest; False if none has been for `min_idle` seconds."""
        now = monotonic()
        if now < self._no_room_until:
            return False
        idle = ((since, seat) for seat in self.seats() if (since := seat.idle_since()) is not None)
        since, longest = min(idle, key=itemgetter(0), default=(now, None))
        if longest is None or now - since < self.limits.min_idle:
            self._no_room_until = since + self.limits.min_idle
            return False
        longest.force_close()
        return True
