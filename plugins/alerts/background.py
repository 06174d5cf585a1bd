"""One piece of work at a time, beside the runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress


class Background:
    """Holds the task that goes on, if one does."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something goes on."""
        return self._task is not None and not self._task.done()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Begin; nothing else may go on."""
        self._task = asyncio.get_running_loop().create_task(work)
        return self._task

    async def close(self) -> None:
        """Give up what goes on."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._task = None
