"""What a client may take of the web server, and how it is noticed that one takes nothing any more."""

from __future__ import annotations

from dataclasses import dataclass

TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Limits:
    """What a client may take. Times are seconds, and are met with the precision of `sweep_interval`."""

    header_timeout: float = 5.0
    """From the connection, or from the first byte of a further request, to the end of the request's header.
    Also for the TLS handshake."""
    body_timeout: float = 10.0
    """From the end of the header to the end of the body; anew with each `body_progress` bytes, for slow links."""
    body_progress: int = 1 << 16
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


class StallWatch:
    """Looks at a connection now and then, and says when its client has taken nothing for too long."""

    __slots__ = ("_since", "_unsent")

    def __init__(self) -> None:
        self._unsent = 0
        self._since = 0.0

    def stalls(self, unsent: int, now: float, timeout: float) -> bool:
        """Whether `unsent` bytes, which wait to be sent, have not become less for `timeout` seconds.

        `now` is the loop's time.
        """
        if unsent < self._unsent or not self._unsent:
            self._since = now
        self._unsent = unsent
        return unsent > 0 and now - self._since >= timeout
