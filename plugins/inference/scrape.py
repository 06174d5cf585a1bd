"""Asks model servers for their metrics: bounded in time and size, and never elsewhere than where it was told to."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from collector_core import NotAvailable, Reason, SecretStr

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER_BYTES = 2 << 20
# Compressed answers may be bombs, and servers on the same network have no need of them.
HEADERS = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "identity"}

_FIXES = {
    Reason.AUTH: "set its `token`",
    Reason.NOT_FOUND: "let `url` be the address of its metrics; Triton has them on a port of their own, 8002",
    Reason.BAD_DATA: "let `url` be the address of its metrics itself",
}


class Client:
    """One HTTP client for all servers of a collector; made when it is first used, on the loop that uses it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, url: str, token: SecretStr | None, seconds: float) -> bytes:
        """What is at an address; raises `NotAvailable` with the reason where it is not to be had in `seconds`."""
        import aiohttp  # noqa: PLC0415 - only where there are servers to ask

        place = _without_query(url)
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        try:
            async with asyncio.timeout(seconds):
                return await self._get(url, token)
        except TimeoutError as error:
            raise _absent(Reason.TIMEOUT, f"{place} did not answer within {seconds:g} s", place) from error
        except (aiohttp.ClientConnectionError, OSError) as error:
            raise _absent(Reason.UNREACHABLE, f"{place}: {_cause(error)}", place) from error
        except aiohttp.ClientError as error:
            raise _absent(Reason.BAD_DATA, f"{place} does not speak HTTP: {type(error).__name__}", place) from error

    async def close(self) -> None:
        """Hang up."""
        if self._session:
            session, self._session = self._session, None
            await session.close()

    async def _get(self, url: str, token: SecretStr | None) -> bytes:
        headers = HEADERS | ({"Authorization": f"Bearer {token.get_secret_value()}"} if token else {})
        assert self._session is not None  # noqa: S101 - for mypy
        # A redirect would carry the token, and us, to where nobody sent us.
        async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
            _check(answer, _without_query(url))
            return await _body(answer, _without_query(url))


def _check(answer: aiohttp.ClientResponse, place: str) -> None:
    status = f"{answer.status} {answer.reason or ''}".strip()
    if answer.status in {401, 403}:
        raise _absent(Reason.AUTH, f"{place} answers {status}", place)
    if answer.status == 404:
        raise _absent(Reason.NOT_FOUND, f"{place} answers {status}", place)
    if answer.status >= 500:
        raise _absent(Reason.UNREACHABLE, f"{place} answers {status}", place)
    if answer.status != 200:
        raise _absent(Reason.BAD_DATA, f"{place} answers {status}", place)
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise _absent(Reason.BAD_DATA, f"{place} compresses its answer although asked not to", place)


async def _body(answer: aiohttp.ClientResponse, place: str) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise _absent(Reason.BAD_DATA, f"{place} sends more than {MAX_ANSWER_BYTES >> 20} MiB", place)
    return bytes(body)


def _absent(reason: Reason, detail: str, place: str) -> NotAvailable:
    return NotAvailable(
        reason, detail, fix=_FIXES.get(reason, f"start the server, or mend its `url`; try: curl {place}")
    )


def _without_query(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


def _cause(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error) or type(error).__name__
