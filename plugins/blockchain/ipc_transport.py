"""JSON-RPC over a unix socket: one connection, dropped whenever an exchange is not finished."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct

from collector_core import NotAvailable, NotListening, Reason
from collector_plugins.blockchain.rpc import MOST_NOTIFICATIONS, bad_data, connection_failed, is_notification

CHUNK = 1 << 18
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred in unix(7)


class IpcTransport:
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
                with contextlib.suppress(OSError):  # closed by the node in the meantime
                    return await self._exchange(message)
                await self.close()
            return await self._exchange(message)
        except OSError as error:
            await self.close()
            raise _failure(error) from None
        except BaseException:  # an answer that comes late must not be taken for that to the next message
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
                raise bad_data(f"its answer is longer than the limit of {self._limit >> 20} MiB")
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


def _listener(connection: socket.socket) -> int | None:
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    pid, _, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    return int(pid) or None


def _failure(error: OSError) -> NotAvailable:
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        fix = "start the node with its IPC socket, or correct `url`"
        return NotListening(Reason.UNREACHABLE, "nothing listens at its socket", fix=fix)
    if isinstance(error, PermissionError):
        fix = "let the user of energy-collector read and write the node's IPC socket"
        return NotAvailable(Reason.PERMISSION, "its socket may not be opened", fix=fix)
    return connection_failed(error)
