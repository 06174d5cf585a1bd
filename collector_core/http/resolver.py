"""Finds addresses on threads of their own: aiohttp's share a pool, where a few names that hang hold up all others."""

from __future__ import annotations

import asyncio
import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from collector_core.polling.own_thread import start_thread


class Resolver(AbstractResolver):
    """Asks the system."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host; raises `socket.gaierror`."""
        flags = socket.AI_ADDRCONFIG
        lookup = start_thread(
            f"resolve {host}", lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=flags)
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=found,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found, _, proto, _, address in await asyncio.wrap_future(lookup)
        ]

    async def close(self) -> None:
        """Nothing is kept."""
