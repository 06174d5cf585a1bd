"""Requests over HTTP and HTTPS on a connection that stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from collector_core import SecretStr
from collector_plugins.blockchain import trouble

if TYPE_CHECKING:
    import aiohttp

CHUNK = 1 << 20


class Http:
    """One address; answers are limited, redirects are not followed, because a key would go along."""

    def __init__(self, url: SecretStr, headers: Mapping[str, SecretStr], limit: int) -> None:
        self._url = url
        self._headers = headers
        self._limit = limit
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, message: bytes) -> bytes:
        """Post JSON; raises `NotAvailable`."""
        return await self._request("POST", message, {"Content-Type": "application/json"})

    async def get(self) -> bytes:
        """Get the page; raises `NotAvailable`."""
        return await self._request("GET", None, {"Accept": "text/plain"})

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session:
            await session.close()

    async def _request(self, method: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        """Two attempts: a node may close an idle connection just when we use it again, and questions change nothing."""
        import aiohttp  # noqa: PLC0415 - only where a node is asked

        try:
            return await self._attempt(method, body, headers)
        except aiohttp.ServerDisconnectedError:
            pass
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise trouble.explain(error) from None
        try:
            return await self._attempt(method, body, headers)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise trouble.explain(error) from None

    async def _attempt(self, method: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        import aiohttp  # noqa: PLC0415 - only where a node is asked

        if self._session is None:
            secret = {name: value.get_secret_value() for name, value in self._headers.items()}
            self._session = aiohttp.ClientSession(headers=secret, cookie_jar=aiohttp.DummyCookieJar())
        url = self._url.get_secret_value()
        async with self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
            return await _body(answer, self._limit)


async def _body(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    if answer.status != 200:
        raise trouble.of_status(answer.status)
    parts, length = [], 0
    async for chunk in answer.content.iter_chunked(CHUNK):
        parts.append(chunk)
        length += len(chunk)
        if length > limit:
            raise trouble.too_long(limit)
    return b"".join(parts)
