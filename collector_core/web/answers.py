"""What scrapers and health checks get: a status, a header and a body, without a web framework."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from collector_core.engine.app import App
from collector_core.exposition.formats import Encoding
from collector_core.web import api

NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
MAX_JOINED_BYTES = 1 << 16  # copying more costs more than a second call of the kernel
_TEXT = (("Content-Type", "text/plain; charset=utf-8"), *NO_SNIFFING.items())

Headers = tuple[tuple[str, str], ...]


class ReadyAnswer(NamedTuple):
    """The answer to one request."""

    status: int
    headers: Headers
    body: bytes


def pieces(head: bytes, body: bytes) -> tuple[bytes, ...]:
    """An answer as it is best written: in one piece, or in two where it is large."""
    return (head, body) if len(body) > MAX_JOINED_BYTES else (head + body,)


class Answers:
    """The answers of one `App`. Safe to use from any thread."""

    def __init__(self, app: App) -> None:
        self._app = app

    def metrics(self, encoding: Encoding) -> ReadyAnswer | None:
        """The exposition; None where making it may hold up the event loop."""
        body = self.quick_body(encoding)()
        return None if body is None else ReadyAnswer(200, headers_of(encoding), body)

    def slow_metrics(self, encoding: Encoding) -> ReadyAnswer:
        """The exposition, however long it takes."""
        return ReadyAnswer(200, headers_of(encoding), self._app.exposition.body(encoding))

    def quick_body(self, encoding: Encoding) -> Callable[[], bytes | None]:
        """Gives the body of `metrics`, as often as it is called."""
        exposition = self._app.exposition
        ready_body = exposition.ready_bodies(encoding)

        def body() -> bytes | None:
            ready = ready_body()
            return exposition.body(encoding) if ready is None and not exposition.slow else ready

        return body

    def healthz(self) -> ReadyAnswer:
        """200 while the watchdog turns."""
        return _verdict(self._app.watchdog.alive, "the watchdog is stuck")

    def readyz(self) -> ReadyAnswer:
        """200 once every collector has had its first result, good or bad; with how a database lays out the history."""
        service = self._app.history.service
        layout = service.store.layout if service else ""
        more = f"history: {layout}\n" if layout else ""
        return _verdict(api.ready(self._app), "not every collector has had its first run", more)


@lru_cache(maxsize=32)
def headers_of(encoding: Encoding) -> Headers:
    """The header of a scrape."""
    always = (("Content-Type", encoding.content_type), ("Vary", "Accept, Accept-Encoding"), *NO_SNIFFING.items())
    return (*always, ("Content-Encoding", "gzip")) if encoding.gzip else always


def _verdict(good: bool, otherwise: str, more: str = "") -> ReadyAnswer:
    return (
        ReadyAnswer(200, _TEXT, f"ok\n{more}".encode()) if good else ReadyAnswer(503, _TEXT, f"{otherwise}\n".encode())
    )
