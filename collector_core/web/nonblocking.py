"""Handlers that may stay on the server's event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_NONBLOCKING = "nonblocking"


def nonblocking(handler: Handler) -> Handler:
    """Mark a route's handler that awaits whatever takes time, such as one that takes many small requests.

    It answers on the server's event loop instead of its collector's, at half the cost; if it blocks after all,
    nobody is answered meanwhile.
    """
    setattr(handler, _NONBLOCKING, True)
    return handler


def is_nonblocking(handler: object) -> bool:
    """Whether a handler is marked."""
    return getattr(handler, _NONBLOCKING, False) is True
