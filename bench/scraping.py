"""A scraper like Prometheus: one connection kept open, its headers, and as little work of its own as possible."""

from __future__ import annotations

import gzip
import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

# What Prometheus 2.42 sends.
HEADERS = {
    "User-Agent": "Prometheus/2.42.0",
    "Accept": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "X-Prometheus-Scrape-Timeout-Seconds": "10",
}
_TIMEOUT = 20.0


@dataclass(frozen=True)
class Scrape:
    """An answer as it came."""

    body: bytes
    gzipped: bool

    @property
    def text(self) -> str:
        """The exposition."""
        return (gzip.decompress(self.body) if self.gzipped else self.body).decode()


class Client:
    """A connection to a program on this machine, anew where that hangs up; raises `OSError` without an answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connect()
        lines = [f"{name}: {value}" for name, value in {"Host": f"127.0.0.1:{port}", **HEADERS}.items()]
        self._request = "\r\n".join(["GET /metrics HTTP/1.1", *lines, "", ""]).encode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; any number of times."""
        self._file.close()
        self._socket.close()

    def scrape(self) -> Scrape:
        """One scrape, read to its end."""
        status = self._ask()
        if not status:
            self.close()
            self._connect()
            status = self._ask()
        if b" 200 " not in status:
            raise ConnectionError(f"answered {status!r}")
        headers = dict(iter(self._header, None))
        chunked = headers.get(b"transfer-encoding") == b"chunked"
        body = b"".join(iter(self._chunk, b"")) if chunked else self._file.read(int(headers[b"content-length"]))
        return Scrape(body, headers.get(b"content-encoding") == b"gzip")

    def latency(self) -> float:
        """Seconds that a scrape takes."""
        start = time.perf_counter()
        self.scrape()
        return time.perf_counter() - start

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), _TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def _ask(self) -> bytes:
        """The first line of the answer; nothing where the program has hung up."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(self._request)
            return self._file.readline()
        return b""

    def _header(self) -> tuple[bytes, bytes] | None:
        name, colon, value = self._file.readline().partition(b":")
        return (name.lower(), value.strip()) if colon else None

    def _chunk(self) -> bytes:
        size = int(self._file.readline(), 16)
        data = self._file.read(size)
        self._file.readline()
        return data


def series(text: str) -> int:
    """How many series an exposition has."""
    return len(re.findall(r"^[^#\n]", text, re.MULTILINE))


def total(text: str, start: str) -> float:
    """The sum of the series whose lines start with `start`."""
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(start))
