"""Latency and loss to targets: how long a TCP connection takes, and how many attempts fail."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from collector_plugins.performance.config import Target

ATTEMPTS = 20  # that the loss is counted over


class Reachability(NamedTuple):
    """`latency` in seconds, None where the last attempt had no answer; `loss` is a ratio, 0 to 1."""

    latency: float | None
    loss: float


class Probe:
    """Connects to one target and remembers how its last attempts went.

    TCP needs no permission, unlike an echo request. A port that refuses the connection is not reached: its machine is
    there, but what was to be reached does not listen. `patience` is how many seconds its addresses have to answer,
    all together.
    """

    def __init__(self, target: Target, monotonic: Callable[[], float], patience: float) -> None:
        self._target = target
        self._monotonic = monotonic
        self._patience = patience
        self._reached: deque[bool] = deque(maxlen=ATTEMPTS)

    async def attempt(self) -> Reachability:
        """Connect once; raises `OSError` where the target's name cannot be resolved."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._patience):
            found = await loop.getaddrinfo(self._target.host, self._target.port, type=socket.SOCK_STREAM)
        latency = await self._connect_to_any(list(dict.fromkeys(str(address[4][0]) for address in found)))
        self._reached.append(latency is not None)
        return Reachability(latency, 1 - sum(self._reached) / len(self._reached))

    async def _connect_to_any(self, addresses: Sequence[str]) -> float | None:
        """How long the first of its addresses that answers took; None where none does. Each has as much time."""
        for address in addresses:
            began = self._monotonic()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience / len(addresses)):
                    if await self._connect(address):
                        return self._monotonic() - began
        return None

    async def _connect(self, address: str) -> bool:
        try:
            _, writer = await asyncio.open_connection(address, self._target.port)
        except OSError:
            return False
        with contextlib.suppress(OSError):
            writer.close()
        return True
