"""The events of a BMC, as it streams them (Server-Sent Events): counted by severity, and noted in the history."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

from collector_core import AuthFailed, BackgroundTask, Backoff, NotAvailable, Reason
from collector_core.devices import at_pointer

SERVICE = "/redfish/v1/EventService"
SEVERITIES = ("ok", "warning", "critical")
MOST_BYTES = 256 << 10  # of an event
MOST_CHARACTERS = 300  # of what it says
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0  # seconds

Get = Callable[[str], Awaitable[Any]]  # path → document
Follow = Callable[[str, Callable[[bytes], None]], Awaitable[None]]  # path, and what takes the pieces of the stream


class EventStream:
    """Follows the stream of one BMC from `start` on, and again where it ends; `note` gets what is not just `OK`."""

    def __init__(self, get: Get, follow: Follow, note: Callable[[str], None]) -> None:
        self.counts = dict.fromkeys(SEVERITIES, 0)
        self.is_followed = False
        self.problem: NotAvailable | AuthFailed | None = None
        self._get = get
        self._follow = follow
        self._note = note
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        self._following = BackgroundTask()

    def start(self) -> None:
        """Follow it from now on, if that is not done yet; a refused login is not tried again."""
        if not self._following.is_busy and not isinstance(self.problem, AuthFailed):
            self._following.start(self._follow_again_and_again())

    async def close(self) -> None:
        """Hang up."""
        await self._following.close()

    async def _follow_again_and_again(self) -> None:
        now = asyncio.get_running_loop().time
        while not isinstance(self.problem, AuthFailed):
            began = now()
            try:
                await self._follow_once()
            except (NotAvailable, AuthFailed) as error:
                self.problem = error
            finally:
                self.is_followed = False
            if now() - began > LONGEST_PAUSE:
                self._backoff.succeeded()
            await asyncio.sleep(self._backoff.failed(now()) - now())

    async def _follow_once(self) -> None:
        path = at_pointer(await self._get(SERVICE), "/ServerSentEventUri")
        if not isinstance(path, str) or not path.startswith("/"):
            raise NotAvailable(Reason.NOT_SUPPORTED, "the BMC streams no events", fix="set `events: false`")
        self.is_followed, self.problem = True, None
        await self._follow(path, EventReader(self._take).feed)

    def _take(self, document: Any) -> None:
        for severity, message in read_events(document):
            self.counts[severity] += 1
            if severity != "ok":
                self._note(f"{severity}: {message}")


class EventReader:
    """Hands over the document of each event of a stream that comes in pieces; what is too long is left out."""

    def __init__(self, take: Callable[[Any], None]) -> None:
        self._take = take
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> None:
        """Take what has come."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._feed_line(line.rstrip(b"\r"))
        if len(self._rest) > MOST_BYTES:
            self._rest, self._data = b"", []

    def _feed_line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._data.append(line.removeprefix(b"data:"))
            if sum(map(len, self._data)) > MOST_BYTES:
                self._data = []
        elif not line and self._data:
            text, self._data = b"\n".join(self._data), []
            with suppress(ValueError, RecursionError):
                self._take(json.loads(text))


def read_events(document: Any) -> Iterator[tuple[str, str]]:
    """Severity and message of each event in a document of the type Event; what is none is left out."""
    listed = at_pointer(document, "/Events")
    for each in listed if isinstance(listed, list) else ():
        severity = at_pointer(each, "/MessageSeverity") or at_pointer(each, "/Severity")
        message = at_pointer(each, "/Message") or at_pointer(each, "/MessageId")
        if isinstance(severity, str) and severity.lower() in SEVERITIES:
            text = message if isinstance(message, str) else "an event without a message"
            yield severity.lower(), "".join(filter(str.isprintable, text))[:MOST_CHARACTERS]
