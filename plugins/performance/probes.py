"""Latency and loss to targets: how long a TCP connection takes, and how many attempts fail."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from collector_plugins.performance.config import Target

ATTEMPTS = 20  # that the loss is counted over


class Reachability(NamedTuple):
    """`latency` in seconds, None where the last attempt had no answer; `loss` is a ratio, 0 to 1."""

    latency: float | None
    loss: float


class Probe:
    """Connects to one target and remembers how its last attempts went.

    TCP needs no permission, unlike an echo request; a port that refuses the connection has answered, and counts.
    `patience` is how many seconds an answer may take.
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
            addresses = await loop.getaddrinfo(self._target.host, self._target.port, type=1)
        began = self._monotonic()
        reached = await self._connect(str(addresses[0][4][0]))
        latency = self._monotonic() - began if reached else None
        self._reached.append(reached)
        return Reachability(latency, 1 - sum(self._reached) / len(self._reached))

    async def _connect(self, address: str) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                _, writer = await asyncio.open_connection(address, self._target.port)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        with contextlib.suppress(OSError):
            writer.close()
        return True
