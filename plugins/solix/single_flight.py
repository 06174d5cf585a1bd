"""Background work, one job at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from collector_core import AuthFailed, BackgroundTask, NotAvailable, Reason, describe, reason_of

Job = Callable[[], Awaitable[None]]


class SingleFlight:
    """Runs one job at a time, each up to its deadline, and remembers how the last one failed.

    `error` is cleared by the next success; `refused`, a refusal of the account, is not. Both have passed `redact`.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self.error: NotAvailable | None = None
        self.refused: AuthFailed | None = None
        self._redact = redact
        self._background = BackgroundTask()

    @property
    def is_busy(self) -> bool:
        """Whether a job is running."""
        return self._background.is_busy

    def start_job(self, job: Job, deadline: float) -> asyncio.Task[None]:
        """Start a job, which is cancelled after `deadline` seconds; no other may be running."""
        return self._background.start(self._run(job, deadline))

    async def close(self) -> None:
        """Cancel the running job."""
        await self._background.close()

    async def _run(self, job: Job, deadline: float) -> None:
        try:
            async with asyncio.timeout(deadline):
                await job()
        except AuthFailed as error:
            self.refused = AuthFailed(self._redact(error.detail), fix=error.fix)
        except Exception as error:  # noqa: BLE001 - one failing job must not end the others
            self.error = self._translate_error(error, deadline)
        else:
            self.error = None

    def _translate_error(self, error: Exception, deadline: float) -> NotAvailable:
        if isinstance(error, TimeoutError):
            return NotAvailable(Reason.TIMEOUT, f"no answer after {deadline:g} s")
        return NotAvailable(reason_of(error), self._redact(describe(error)), fix=getattr(error, "fix", ""))
