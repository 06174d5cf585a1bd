"""A BMC that answers a ping, and what is none."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from collector_plugins.ipmi import Ipmi

PONG = bytes.fromhex("06 00 ff 06 00 00 11 be 40 00 00 10 00 00 11 be 00 00 00 00 81 00 00 00 00 00 00 00")


class Bmc(asyncio.DatagramProtocol):
    def __init__(self, *answers):
        self.answers = answers

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        assert data[:4] == bytes.fromhex("0600ff06")
        for each in self.answers:
            self.transport.sendto(each, addr)


@asynccontextmanager
async def bmc(*answers):
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Bmc(*answers), local_addr=("127.0.0.1", 0)
    )
    yield transport.get_extra_info("sockname")[1]
    transport.close()


async def test_a_bmc_is_found_and_its_login_is_left_to_its_owner():
    async with bmc(b"nonsense", PONG) as port:
        found = await Ipmi.probe("127.0.0.1", port)
    assert found == {"name": "127.0.0.1", "address": f"127.0.0.1:{port}", "username": None, "password": None}


async def test_where_nothing_listens_nothing_is_found():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(OSError, match="refused"):
        await Ipmi.probe("127.0.0.1", port)
