"""Turns for work that would take longer for everybody if all began at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 16  # hosts; the key exchange of one costs about 20 ms of CPU time
LONGEST_WAIT = 2.0  # seconds; hosts that hang do not hold up the others for longer


class Turns:
    """Lets `AT_ONCE` in at a time, and whoever has waited for `LONGEST_WAIT` seconds."""

    def __init__(self) -> None:
        from asyncio import Semaphore  # noqa: PLC0415 - who only imports the plugin does without

        self._places = Semaphore(AT_ONCE)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place and hold it."""
        from asyncio import timeout  # noqa: PLC0415

        try:
            async with timeout(LONGEST_WAIT):
                await self._places.acquire()
        except TimeoutError:
            yield
            return
        try:
            yield
        finally:
            self._places.release()
