"""JSON-RPC over a websocket or a unix socket: one connection, dropped whenever an exchange is not finished."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING

from collector_core import SecretStr
from collector_plugins.blockchain import trouble
from collector_plugins.blockchain.rpc import bad_data, decode

if TYPE_CHECKING:
    import aiohttp

MOST_NOTIFICATIONS = 1000  # messages in between that nobody asked for
CHUNK = 1 << 18
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred in unix(7)


class WebSocket:
    """One address that begins with ws:// or wss://."""

    def __init__(self, url: SecretStr, headers: Mapping[str, SecretStr], limit: int) -> None:
        self._url = url
        self._headers = headers
        self._limit = limit
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def exchange(self, message: bytes) -> bytes:
        """Send a message and wait for the next answer; raises `NotAvailable`."""
        import aiohttp  # noqa: PLC0415 - only where a node is asked

        try:
            return await self._exchange_on_what_is_there(message)
        except aiohttp.WSServerHandshakeError as error:
            await self.close()
            raise trouble.of_status(error.status) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            await self.close()
            raise trouble.explain(error) from None
        except BaseException:  # an answer that comes late must not be taken for that to the next message
            await self.close()
            raise

    async def _exchange_on_what_is_there(self, message: bytes) -> bytes:
        """A connection that the node has closed in the meantime is made anew once."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                return await self._exchange(message)
            await self.close()
        return await self._exchange(message)

    async def close(self) -> None:
        """Drop the connection."""
        session, self._session, self._socket = self._session, None, None
        if session:
            await session.close()

    async def _exchange(self, message: bytes) -> bytes:
        connection = self._socket or await self._connect()
        await connection.send_str(message.decode())
        for _ in range(MOST_NOTIFICATIONS):
            answer = await self._receive(connection)
            if not is_notification(answer):
                return answer
        raise bad_data("it sends what nobody asked for")

    async def _receive(self, connection: aiohttp.ClientWebSocketResponse) -> bytes:
        received = await connection.receive()
        if isinstance(received.data, str):
            return received.data.encode()
        if isinstance(received.data, bytes):
            return received.data
        if connection.close_code == 1009:  # RFC 6455: message too big
            raise trouble.too_long(self._limit)
        raise ConnectionError

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        import aiohttp  # noqa: PLC0415 - only where a node is asked

        secret = {name: value.get_secret_value() for name, value in self._headers.items()}
        self._session = aiohttp.ClientSession(headers=secret, cookie_jar=aiohttp.DummyCookieJar())
        url = self._url.get_secret_value()
        self._socket = await self._session.ws_connect(url, max_msg_size=self._limit, autoping=True)
        return self._socket


class Ipc:
    """A unix socket; messages are JSON values, one after the other, with or without line breaks in between."""

    def __init__(self, path: str, limit: int) -> None:
        self.process: int | None = None  # who listens, as of the last connection
        self._path = path
        self._limit = limit
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, message: bytes) -> bytes:
        """Send a message and wait for the next answer; raises `NotAvailable`."""
        try:
            if self._streams is not None:
                with contextlib.suppress(OSError):  # as for the websocket
                    return await self._exchange(message)
                await self.close()
            return await self._exchange(message)
        except OSError as error:
            await self.close()
            raise trouble.explain(error) from None
        except BaseException:  # as for the websocket
            await self.close()
            raise

    async def close(self) -> None:
        """Drop the connection."""
        streams, self._streams = self._streams, None
        if streams:
            streams[1].transport.abort()

    async def _exchange(self, message: bytes) -> bytes:
        reader, writer = self._streams or await self._connect()
        writer.write(message + b"\n")
        await writer.drain()
        for _ in range(MOST_NOTIFICATIONS):
            answer = await self._receive(reader)
            if not is_notification(answer):
                return answer
        raise bad_data("it sends what nobody asked for")

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_unix_connection(self._path)
        self.process = _listener(self._streams[1].get_extra_info("socket"))
        return self._streams

    async def _receive(self, reader: asyncio.StreamReader) -> bytes:
        received = bytearray()
        while True:
            chunk = await reader.read(CHUNK)
            if not chunk:
                raise ConnectionResetError
            received += chunk
            if len(received) > self._limit:
                raise trouble.too_long(self._limit)
            if chunk.rstrip().endswith((b"}", b"]")) and (whole := last_value(bytes(received))):
                return whole


def last_value(received: bytes) -> bytes | None:
    """The last of the JSON values that lie one after the other; None while one is not finished."""
    text = received.decode("utf-8", "replace").strip()
    decoder, place, start = json.JSONDecoder(), 0, 0
    try:
        while place < len(text):
            start = place
            _, place = decoder.raw_decode(text, place)
            while place < len(text) and text[place].isspace():
                place += 1
    except (ValueError, RecursionError):
        return None
    return text[start:].encode()


def is_notification(message: bytes) -> bool:
    """Whether a message is about a subscription and no answer; raises `NotAvailable` for what is no JSON."""
    if b'"method"' not in message[:1000]:
        return False
    value = decode(message)
    return isinstance(value, dict) and "id" not in value


def _listener(connection: socket.socket) -> int | None:
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    pid, _, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    return int(pid) or None
