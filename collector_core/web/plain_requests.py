"""Requests of the form that scrapers and health checks send; whatever is unusual is none of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from http import HTTPStatus
from time import gmtime, strftime, time
from typing import NamedTuple

from collector_core.exposition.formats import negotiate
from collector_core.web.answers import Answers, Headers, ReadyAnswer, headers_of
from collector_core.web.known_hosts import KnownHosts

MAX_BYTES = 4096
_REQUEST = re.compile(rb"GET (/[a-z]+) HTTP/1\.1\r\n((?:[A-Za-z-]+:[\x20-\x7e]*\r\n)+)\r\n")
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]+")
_FIELDS = frozenset(
    {"host", "user-agent", "accept", "accept-encoding", "connection", "x-prometheus-scrape-timeout-seconds"}
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TWO_DIGITS = tuple(b"%02d" % number for number in range(60))
_KEEPS_OPEN = {"": True, "keep-alive": True, "close": False}

Fields = Mapping[str, str]
HeadAndBody = tuple[bytes, bytes]


class Ask(NamedTuple):
    """How a request is answered: at once where that is `quick`, or else on another thread.

    Both give the first lines of the head, which are those of every answer of its kind, and the body.
    """

    quick: Callable[[], HeadAndBody | None]
    slow: Callable[[], HeadAndBody]


class PlainRequest:
    """A request that was understood: how it is answered, and whether the connection stays open."""

    __slots__ = ("_ask", "_end", "keeps_open")

    def __init__(self, ask: Ask, keeps_open: bool) -> None:
        self._ask = ask
        self._end = b"" if keeps_open else b"Connection: close\r\n"
        self.keeps_open = keeps_open

    def answer(self) -> HeadAndBody | None:
        """The answer of now; None where it may take long to make."""
        answer = self._ask.quick()
        return None if answer is None else self._with_head(answer)

    def slow_answer(self) -> HeadAndBody:
        """The answer of now, however long it takes."""
        return self._with_head(self._ask.slow())

    def _with_head(self, answer: HeadAndBody) -> HeadAndBody:
        lines, body = answer
        hour, second = divmod(int(time()), 3600)
        date = (_day_and_hour(hour), _TWO_DIGITS[second // 60], _TWO_DIGITS[second % 60])
        return b"%bContent-Length: %d\r\nDate: %b%b:%b GMT\r\n%b\r\n" % (lines, len(body), *date, self._end), body


class PlainRequests:
    """Reads requests for `paths`, from callers that name one of `hosts`, or any where that is None.

    A request is one if it comes in one piece: GET, HTTP/1.1, no body, no query, printable ASCII, and no field but those
    of scrapers and health checks, each once. All others take the way through aiohttp, which knows the whole of HTTP.
    """

    def __init__(self, paths: Mapping[str, Callable[[Fields], Ask]], hosts: KnownHosts | None) -> None:
        self._paths = paths
        self._hosts = hosts

    def read(self, data: bytes, peer: str | None) -> PlainRequest | None:
        """What `data` from `peer` asks for; None if it is no such request, or one that is refused."""
        found = _REQUEST.fullmatch(data) if len(data) <= MAX_BYTES else None
        answer = self._paths.get(found[1].decode()) if found else None
        if found is None or answer is None:
            return None
        lines = [line.partition(":") for line in found[2].decode().splitlines()]
        fields = {name.lower(): value.strip() for name, _, value in lines}
        keeps_open = _KEEPS_OPEN.get(fields.get("connection", "").lower())
        if keeps_open is None or len(fields) < len(lines) or not fields.keys() <= _FIELDS:
            return None
        host = fields.get("host", "")
        if not _HOST.fullmatch(host) or not (self._hosts is None or self._hosts.admit(host, peer)):
            return None
        return PlainRequest(answer(fields), keeps_open)


def probe_paths(answers: Answers) -> dict[str, Callable[[Fields], Ask]]:
    """The paths of health checks."""
    health, readiness = (partial(_written, make) for make in (answers.healthz, answers.readyz))
    return {"/healthz": lambda _: Ask(health, health), "/readyz": lambda _: Ask(readiness, readiness)}


def all_paths(answers: Answers) -> dict[str, Callable[[Fields], Ask]]:
    """The paths of health checks and of scrapes."""

    def metrics(fields: Fields) -> Ask:
        encoding = negotiate(fields.get("accept", ""), fields.get("accept-encoding", ""))
        lines, quick_body = _first_lines(200, headers_of(encoding)), answers.quick_body(encoding)

        def quick() -> HeadAndBody | None:
            body = quick_body()
            return None if body is None else (lines, body)

        return Ask(quick, partial(_written, partial(answers.slow_metrics, encoding)))

    return {"/metrics": metrics, **probe_paths(answers)}


def _written(make: Callable[[], ReadyAnswer]) -> HeadAndBody:
    status, headers, body = make()
    return _first_lines(status, headers), body


@lru_cache(maxsize=32)
def _first_lines(status: int, headers: Headers) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}".encode()


@lru_cache(maxsize=1)
def _day_and_hour(hour: int) -> bytes:
    """As HTTP has it, whatever the locale is; `email.utils` has it too, among much else. `hour` counts from 1970."""
    moment = gmtime(hour * 3600)
    day, month = _DAYS[moment.tm_wday], _MONTHS[moment.tm_mon - 1]
    return strftime(f"{day}, %d {month} %Y %H:", moment).encode()
