"""Datagrams to and from one address: what is lost is sent again, what nobody asked for is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from collector_core import NotAvailable, Reason

FIRST_WAIT = 1.0  # seconds, then twice as long each time
MOST_DATAGRAMS = 16  # that wait to be looked at

ReadT = TypeVar("ReadT")


class Datagrams:
    """A socket that is connected to a BMC."""

    def __init__(self, transport: asyncio.DatagramTransport, came: asyncio.Queue[bytes | Exception]) -> None:
        self._transport = transport
        self._came = came

    @classmethod
    async def connect(cls, host: str, port: int) -> Datagrams:
        """Raises `NotAvailable` where there is no way to the host."""
        came: asyncio.Queue[bytes | Exception] = asyncio.Queue(MOST_DATAGRAMS)
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Receiver(came), remote_addr=(host, port))
        except OSError as error:
            words = error.strerror or type(error).__name__
            raise NotAvailable(Reason.UNREACHABLE, f"no way to the BMC: {words}", fix="check `address`") from None
        return cls(transport, came)

    def send(self, datagram: bytes) -> None:
        """Send without waiting for anything."""
        self._transport.sendto(datagram)

    async def exchange(self, make: Callable[[], bytes], read: Callable[[bytes], ReadT | None], attempts: int) -> ReadT:
        """Send until something comes that `read` takes: it returns None, or raises `ValueError`, for what it does not.

        Raises `TimeoutError`, and `NotAvailable` where nobody listens.
        """
        for wait in (FIRST_WAIT * 2**attempt for attempt in range(attempts)):
            self.send(make())
            try:
                async with asyncio.timeout(wait):
                    return await self._first(read)
            except TimeoutError:
                continue
        raise TimeoutError

    def close(self) -> None:
        """Let go of the socket."""
        self._transport.close()

    async def _first(self, read: Callable[[bytes], ReadT | None]) -> ReadT:
        while True:
            came = await self._came.get()
            if isinstance(came, Exception):
                raise NotAvailable(Reason.UNREACHABLE, "nothing listens at the BMC's port", fix="check `address`")
            try:
                if (found := read(came)) is not None:
                    return found
            except ValueError:
                continue


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, came: asyncio.Queue[bytes | Exception]) -> None:
        self._came = came

    def datagram_received(self, data: bytes, addr: object) -> None:
        del addr
        self._take(data)

    def error_received(self, exc: Exception) -> None:
        self._take(exc)

    def _take(self, came: bytes | Exception) -> None:
        if not self._came.full():
            self._came.put_nowait(came)
