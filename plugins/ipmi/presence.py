"""Whether a BMC answers at an address: the presence ping of ASF 2.0, which needs no login."""

from __future__ import annotations

import asyncio

PING = bytes.fromhex("06 00 ff 06 00 00 11 be 80 00 00 00")
PONG, SUPPORTS_IPMI = 0x40, 0x80
KIND, ENTITIES = 8, 20  # where these bytes are


class _Pings(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        del addr
        if len(data) > ENTITIES and data[KIND] == PONG and data[ENTITIES] & SUPPORTS_IPMI:
            self._settle(None)

    def error_received(self, exc: Exception) -> None:
        self._settle(exc)

    def _settle(self, error: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(error) if error else self.answered.set_result(None)


async def ping(host: str, port: int) -> None:
    """Wait for the answer of a BMC, for as long as the caller waits; raises `OSError` where none can be there."""
    transport, pings = await asyncio.get_running_loop().create_datagram_endpoint(_Pings, remote_addr=(host, port))
    try:
        transport.sendto(PING)
        await pings.answered
    finally:
        transport.close()
