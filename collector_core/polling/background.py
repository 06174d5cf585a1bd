"""One piece of work at a time, beside the runs of a collector with coroutines."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class BackgroundTask:
    """Holds the task that goes on, if one does; for one event loop. What the work raises, it must deal with itself."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something goes on."""
        return self._task is not None and not self._task.done()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Begin; nothing else may go on."""
        from asyncio import get_running_loop  # noqa: PLC0415 - who only imports the framework does without

        self._task = get_running_loop().create_task(work)
        return self._task

    async def close(self) -> None:
        """Give up what goes on."""
        from asyncio import CancelledError  # noqa: PLC0415

        if self._task:
            self._task.cancel()
            with suppress(CancelledError):
                await self._task
        self._task = None
