"""One channel's queue: delivered in the background, retried with backoff, bounded."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum
from typing import Protocol

from collector_core import AuthFailed, BackgroundTask, Backoff, Clock, HttpStatusError, NotAvailable, Reason
from collector_plugins.alerts.notification import Notification

FIRST_PAUSE = 10.0  # seconds
LONGEST_PAUSE = 600.0


class DeliveryResult(StrEnum):
    """What became of a notification: delivered, refused for good, or pushed out of a full queue."""

    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


class DeliveryRefused(NotAvailable):
    """A notification was refused for good: another attempt would be, too."""


class NotificationChannel(Protocol):
    """A way to notify somebody."""

    async def send(self, message: Notification) -> None:
        """Deliver the message; raises `NotAvailable` or `AuthFailed`, and `DeliveryRefused` if no retry would help."""


def new_backoff() -> Backoff:
    """Random pauses, so that the many clients of one server spread out after it was down."""
    return Backoff(FIRST_PAUSE, LONGEST_PAUSE, jitter=1.0)


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


def _is_final(error: NotAvailable) -> bool:
    return isinstance(error, DeliveryRefused) or (isinstance(error, HttpStatusError) and not error.is_retryable)


class DeliveryQueue:
    """Delivers the notifications of one channel one by one, in the background; the oldest are dropped if it is full.

    `counts` counts notifications by result; `on_done` is called with the id of each one that has left the queue.
    """

    def __init__(
        self,
        channel: NotificationChannel,
        counts: Counter[str],
        on_done: Callable[[str], None],
        clock: Clock,
        *,
        backoff: Backoff,
        timeout: float,
        limit: int,
        log: logging.Logger,
    ) -> None:
        self.last_error: NotAvailable | None = None
        self.is_up: bool | None = None
        self._on_done = on_done
        self._channel = channel
        self._counts = counts
        self._clock = clock
        self._backoff = backoff
        self._timeout = timeout
        self._limit = limit
        self._log = log
        self._queue: deque[Notification] = deque()
        self._background = BackgroundTask()

    def __len__(self) -> int:
        return len(self._queue)

    def enqueue(self, messages: Iterable[Notification]) -> None:
        """Add messages at the end; the oldest are dropped while there are too many."""
        self._queue.extend(messages)
        while len(self._queue) > self._limit:
            self._finish_message(self._queue[0], DeliveryResult.DROPPED)

    def start_delivery(self) -> asyncio.Task[None] | None:
        """Start to deliver; None if nothing waits, a delivery is under way, or the channel is in a pause."""
        if self._background.is_busy or not self._queue or not self._backoff.due(self._clock.monotonic()):
            return None
        return self._background.start(self._deliver_all())

    async def close(self) -> None:
        """Cancel what is under way; what waits stays in the queue."""
        await self._background.close()

    async def _deliver_all(self) -> None:
        while self._queue:
            message = self._queue[0]
            error = await attempt_delivery(self._channel.send(message), self._timeout)
            self.last_error, self.is_up = error, error is None
            if error is None:
                self._backoff.succeeded()
                self._finish_message(message, DeliveryResult.SENT)
            elif self._reject(message, error):
                return

    def _reject(self, message: Notification, error: NotAvailable) -> bool:
        """Drop a message that was refused for good; returns whether the channel needs a pause.

        After a refused login it does: a queue full of attempts could lock the account.
        """
        is_final = _is_final(error)
        if is_final:
            self._log.error("a notification was refused and is lost: %s", error.detail)
            self._finish_message(message, DeliveryResult.FAILED)
        needs_pause = not is_final or error.reason is Reason.AUTH
        if needs_pause:
            self._backoff.failed(self._clock.monotonic(), error.retry_after)
        return needs_pause

    def _finish_message(self, message: Notification, result: DeliveryResult) -> None:
        """Take a message out of the queue, unless it was dropped while it was being sent."""
        if self._queue and self._queue[0] is message:
            self._queue.popleft()
            self._counts[result] += 1
            self._on_done(message.id)
