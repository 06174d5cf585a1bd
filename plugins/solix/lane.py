"""One thing after the other, in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from collector_core import AuthFailed, BackgroundTask, NotAvailable, Reason, describe, reason_of

Job = Callable[[], Awaitable[None]]


class Lane:
    """Runs one job at a time, each up to its deadline, and remembers how the last one failed."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self.error: NotAvailable | None = None
        self.refused: AuthFailed | None = None
        self._clean = clean
        self._background = BackgroundTask()

    @property
    def busy(self) -> bool:
        """Whether a job goes on."""
        return self._background.is_busy

    def start(self, job: Job, deadline: float) -> asyncio.Task[None]:
        """Begin a job, which is given up after `deadline` seconds; none may go on."""
        return self._background.start(self._run(job, deadline))

    async def close(self) -> None:
        """Give up what goes on."""
        await self._background.close()

    async def _run(self, job: Job, deadline: float) -> None:
        try:
            async with asyncio.timeout(deadline):
                await job()
        except AuthFailed as error:
            self.refused = AuthFailed(self._clean(error.detail), fix=error.fix)
        except Exception as error:  # noqa: BLE001 - whatever fails here must not end the rest
            self.error = self._explained(error, deadline)
        else:
            self.error = None

    def _explained(self, error: Exception, deadline: float) -> NotAvailable:
        if isinstance(error, TimeoutError):
            return NotAvailable(Reason.TIMEOUT, f"no answer after {deadline:g} s")
        return NotAvailable(reason_of(error), self._clean(describe(error)), fix=getattr(error, "fix", ""))
