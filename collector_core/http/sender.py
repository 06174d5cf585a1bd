"""Posts bytes to one address, for outputs: blocking, over a connection that is kept."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from collector_core.errors import HttpStatusError, NotAvailable, Reason, RecordsRefused, one_line
from collector_core.http import failures
from collector_core.http.client import AGENT, Text

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse
    from pathlib import Path

MAX_ANSWER_BYTES = 64 << 10
MAX_WORDS = 300  # characters of what a receiver says about a refusal
_FINAL = range(400, 500)
_FINAL_BUT = frozenset({408, 425, 429})


def check_http_url(url: str) -> str:
    """The address of a receiver; raises `ValueError` unless it is `http://` or `https://` with a host."""
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_right = False
    if not is_right:
        raise ValueError("expected an address such as https://metrics.lan:8428/api/v1/write")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the address must not hold a user or a password: set `username` and `password`")
    if not url.isascii() or any(ord(character) <= 32 for character in url):
        raise ValueError("the address must be ASCII without blanks: write other characters as %XX")
    return url


HttpUrl = Annotated[str, AfterValidator(check_http_url)]
"""The type of an option that is the address of a web server, without a user and a password."""


@dataclass(frozen=True)
class Received:
    """What a receiver has answered: a status of 2xx, headers with names in lower case, up to 64 KiB of text."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class HttpSender:
    """Posts to one address. For one thread at a time, but for `cancel`.

    `timeout` are the seconds without a sign of life after which a request fails; `headers` go with every request, as do
    `token` (a bearer token) and `login` (user and password). Certificates are verified, with those in `ca_file` where
    it is given. Proxies of the environment are ignored, redirects are not followed. `redact` takes secrets out of what
    the receiver says.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, Text] | None = None,
        token: SecretStr | None = None,
        login: tuple[str, SecretStr] | None = None,
        ca_file: Path | str | None = None,
        redact: Callable[[str], str] = str,
    ) -> None:
        parts = urlsplit(url)
        self.place = failures.place(url)
        self._is_https = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._timeout = timeout
        self._ca_file = ca_file
        self._redact = redact
        self._headers = {"User-Agent": AGENT} | {name: _plain(value) for name, value in (headers or {}).items()}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        elif login is not None:
            pair = f"{login[0]}:{login[1].get_secret_value()}".encode()
            self._headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        self._connection: HTTPConnection | None = None

    def post(self, body: bytes, headers: Mapping[str, str]) -> Received:
        """Post; returns what was answered with a status of 2xx.

        Raises `RecordsRefused` for 4xx other than 408, 425 and 429, and `NotAvailable` for everything else that is no
        success: the same request may succeed later.
        """
        from http.client import HTTPException  # noqa: PLC0415 - only where something is sent

        try:
            return self._judged(*self._exchange(body, headers))
        except HTTPException as error:
            self.close()
            name = type(error).__name__
            raise NotAvailable(Reason.BAD_DATA, f"{self.place}: the server does not speak HTTP ({name})") from None
        except (OSError, ValueError) as error:
            self.close()
            raise failures.of_error(self.place, error, self._timeout) from None

    def cancel(self) -> None:
        """Make a request under way fail; from any thread."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(2)

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _exchange(self, body: bytes, headers: Mapping[str, str]) -> tuple[HTTPResponse, bytes]:
        """The answer; asked again where the server has closed the connection since the last request."""
        kept = self._connection is not None
        try:
            return self._attempt(body, headers)
        except ConnectionError:
            self.close()
            if not kept:
                raise
        return self._attempt(body, headers)

    def _attempt(self, body: bytes, headers: Mapping[str, str]) -> tuple[HTTPResponse, bytes]:
        if self._connection is None:
            self._connection = self._new_connection()
        self._connection.request("POST", self._target, body, {**self._headers, **headers})
        answer = self._connection.getresponse()
        content = answer.read(MAX_ANSWER_BYTES)
        if not answer.isclosed() or answer.will_close:
            self.close()
        return answer, content

    def _new_connection(self) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection  # noqa: PLC0415

        if not self._is_https:
            return HTTPConnection(self._host, self._port, timeout=self._timeout)
        from collector_core.http.trust import trusting  # noqa: PLC0415 - needs ssl

        return HTTPSConnection(self._host, self._port, timeout=self._timeout, context=trusting(self._ca_file))

    def _judged(self, answer: HTTPResponse, content: bytes) -> Received:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if 200 <= answer.status < 300:
            return Received(answer.status, headers, content)
        said_headers = {"Retry-After": headers.get("retry-after", "")}
        error = failures.of_status(self.place, answer.status, said_headers, time.time())
        words = one_line(self._redact(content[: 4 * MAX_WORDS].decode("utf-8", "replace")))[:MAX_WORDS]
        said = f"{error}: {words}" if words else str(error)
        if answer.status in _FINAL and answer.status not in _FINAL_BUT:
            raise RecordsRefused(None, said, fix=error.fix, status=answer.status, headers=headers)
        retry_after = getattr(error, "retry_after", None)
        reason = getattr(error, "reason", Reason.UNREACHABLE)
        raise HttpStatusError(answer.status, reason, said, fix=error.fix, retry_after=retry_after)


def _plain(text: Text) -> str:
    return text.get_secret_value() if isinstance(text, SecretStr) else text
