"""One connection for messages both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector_core.http import failures

if TYPE_CHECKING:
    import aiohttp

TOO_BIG = 1009  # https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1


class WebSocket:
    """A websocket that is open; `where` is its host and port."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse, where: str, limit: int) -> None:
        self._connection = connection
        self._where = where
        self._limit = limit

    async def send(self, text: str) -> None:
        """Send a message; raises `ConnectionError` where the other side has hung up."""
        await self._connection.send_str(text)

    async def receive(self) -> bytes:
        """The next message.

        Raises `ConnectionError` where the other side hangs up, and `NotAvailable` where the message is too long.
        """
        data = (await self._connection.receive()).data
        if isinstance(data, str):
            return data.encode()
        if isinstance(data, bytes):
            return data
        if self._connection.close_code == TOO_BIG:
            raise failures.too_long(self._where, self._limit)
        raise ConnectionResetError

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()
