"""JSON-RPC over HTTP and over websockets, through the collector's HTTP client.

Each carries one message at a time; a connection is dropped whenever an exchange does not finish, because an answer that
comes late must not be taken for that to the next message.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from collector_core import HttpClient, SecretStr, WebSocket
from collector_plugins.blockchain.rpc import MOST_NOTIFICATIONS, bad_data, connection_failed, is_notification


class _Endpoint:
    """One address with the headers that it wants. `client` returns the collector's client; `limit` is in bytes."""

    def __init__(
        self, client: Callable[[], HttpClient], url: SecretStr, headers: Mapping[str, SecretStr], limit: int
    ) -> None:
        self._client = client
        self._url = url
        self._headers = headers
        self._limit = limit


class HttpTransport(_Endpoint):
    """An address that begins with http:// or https://."""

    async def exchange(self, message: bytes) -> bytes:
        """Post JSON; a question may be asked twice. Raises `NotAvailable` and `AuthFailed`."""
        answer = await self._client().post_json(
            self._url, message, headers=self._headers, limit=self._limit, repeatable=True
        )
        return answer.body

    async def get(self, feed: Callable[[bytes], object]) -> None:
        """Get a page, in pieces; raises `NotAvailable` and `AuthFailed`."""
        headers = {"Accept": "text/plain"} | dict(self._headers)
        await self._client().request(
            "GET",
            self._url,
            headers=headers,
            limit=self._limit,
            limit_fix="raise `max_page_mib`",
            redirects=True,
            feed=feed,
        )

    async def close(self) -> None:
        """Nothing to let go of: the connections are the client's."""


class WebSocketTransport(_Endpoint):
    """An address that begins with ws:// or wss://."""

    _socket: WebSocket | None = None

    async def exchange(self, message: bytes) -> bytes:
        """Send a message and wait for the next answer; raises `NotAvailable` and `AuthFailed`."""
        try:
            return await self._exchange_on_what_is_there(message)
        except OSError as error:
            await self.close()
            raise connection_failed(error) from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Drop the connection."""
        connection, self._socket = self._socket, None
        if connection:
            await connection.close()

    async def _exchange_on_what_is_there(self, message: bytes) -> bytes:
        """A connection that the node has closed in the meantime is made anew once."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                return await self._exchange(message)
            await self.close()
        return await self._exchange(message)

    async def _exchange(self, message: bytes) -> bytes:
        if self._socket is None:
            self._socket = await self._client().websocket(self._url, headers=self._headers, limit=self._limit)
        await self._socket.send(message.decode())
        for _ in range(MOST_NOTIFICATIONS):
            answer = await self._socket.receive()
            if not is_notification(answer):
                return answer
        raise bad_data("it sends what nobody asked for")
