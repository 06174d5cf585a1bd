"""One channel's deliveries: in the background, one at a time, with a pause after a failure that grows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine

from collector_core import AuthFailed, BackgroundTask, Backoff, Clock, HttpStatusError, NotAvailable, Reason

FIRST_PAUSE = 10.0  # seconds
LONGEST_PAUSE = 600.0


class DeliveryRefused(NotAvailable):
    """A delivery was refused for good: another attempt would be, too."""


def new_backoff() -> Backoff:
    """Random pauses, so that the many clients of one server spread out after it was down."""
    return Backoff(FIRST_PAUSE, LONGEST_PAUSE, jitter=1.0)


class BackgroundDelivery:
    """Runs the deliveries of one channel; `is_up` says whether the last one succeeded, None before the first one."""

    def __init__(self, clock: Clock, *, timeout: float, backoff: Backoff) -> None:
        self.last_error: NotAvailable | None = None
        self.is_up: bool | None = None
        self._clock = clock
        self._timeout = timeout
        self._backoff = backoff
        self._task = BackgroundTask()

    @property
    def can_start(self) -> bool:
        """Whether nothing is under way and no pause lasts."""
        return not self._task.is_busy and self._backoff.due(self._clock.monotonic())

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run this in the background; only if one `can_start`."""
        return self._task.start(work)

    async def attempt(self, sending: Awaitable[None]) -> NotAvailable | None:
        """Wait for one delivery; returns how it failed."""
        error = await attempt_delivery(sending, self._timeout)
        self.last_error, self.is_up = error, error is None
        if error is None:
            self._backoff.succeeded()
        return error

    def pause(self, error: NotAvailable) -> None:
        """Start nothing for a while, at least for as long as the other side asks."""
        self._backoff.failed(self._clock.monotonic(), error.retry_after)

    async def close(self) -> None:
        """Cancel what is under way."""
        await self._task.close()


async def attempt_delivery(sending: Awaitable[None], seconds: float) -> NotAvailable | None:
    """Wait so long for a delivery; returns how it failed, without the texts of other exceptions: they hold secrets."""
    try:
        async with asyncio.timeout(seconds):
            await sending
    except NotAvailable as error:
        return error
    except AuthFailed as error:
        return DeliveryRefused(Reason.AUTH, error.detail, fix=error.fix)
    except TimeoutError:
        return NotAvailable(Reason.TIMEOUT, f"no answer within {seconds:g} s")
    except Exception as error:  # noqa: BLE001 - whatever fails concerns this channel alone
        return NotAvailable(Reason.BAD_DATA, f"{type(error).__name__} while sending")
    return None


def is_final(error: NotAvailable) -> bool:
    """Whether the same delivery would fail again."""
    return isinstance(error, DeliveryRefused) or (isinstance(error, HttpStatusError) and not error.is_retryable)
