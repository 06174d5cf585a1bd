"""Requests that a connection repeats byte for byte, as scrapers do: answered before anything is parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.helpers import rfc822_formatted_time

from collector_core.web.answers import pieces


class RepeatedBody(Protocol):
    """What is called on the event loop for each repetition."""

    def __call__(self) -> bytes | None:
        """The body of the next answer, or None to have the request parsed and handled."""


BODY_OF_REPEATS = web.RequestKey[RepeatedBody]("body_of_repeats")
"""What a handler sets for a GET request whose answer depends on its bytes alone."""

MAX_REQUEST_BYTES = 4096
"""Longer requests are not remembered: each connection remembers one."""

_VARYING: dict[str, str] = {hdrs.CONTENT_LENGTH: "%(length)d", hdrs.DATE: "%(date)s"}
_UNREPEATABLE = (hdrs.UPGRADE, hdrs.EXPECT)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A request of one connection that was answered with 200, and how its repetitions are answered."""

    request: bytes
    body: RepeatedBody
    head: str
    """The header of the answer, with places for the length and the date."""

    @classmethod
    def of(cls, raw: bytes, request: web.BaseRequest, response: web.StreamResponse) -> Self | None:
        """What to remember of a request that came as `raw`; None if it is to be parsed each time."""
        body = request.get(BODY_OF_REPEATS)
        if body is None or not _is_repeatable(request, response):
            return None
        fields = "".join(map(_line, response.headers.items()))
        return cls(raw, body, f"HTTP/1.1 200 {response.reason}\r\n{fields}\r\n")

    def answer(self) -> tuple[bytes, ...] | None:
        """The pieces of the next answer; None if the request must be handled."""
        body = self.body()
        if body is None:
            return None
        return pieces((self.head % {"length": len(body), "date": rfc822_formatted_time()}).encode(), body)


def _line(field: tuple[str, str]) -> str:
    name, value = field
    return f"{name}: {_VARYING.get(name) or value.replace('%', '%%')}\r\n"


def _is_repeatable(request: web.BaseRequest, response: web.StreamResponse) -> bool:
    return (
        request.method == hdrs.METH_GET
        and request.version == HttpVersion11
        and not any(name in request.headers for name in _UNREPEATABLE)
        and response.status == 200
        and response.keep_alive is True
        and hdrs.CONTENT_LENGTH in response.headers
    )
