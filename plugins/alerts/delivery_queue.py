"""One channel's queue: delivered in the background, retried with backoff, bounded."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum
from typing import Protocol

from collector_core import BackgroundTask, Clock, NotAvailable, Reason
from collector_plugins.alerts.notification import Notification

FIRST_PAUSE = 10.0  # seconds
LONGEST_PAUSE = 600.0

Jitter = Callable[[float, float], float]


class DeliveryResult(StrEnum):
    """What became of a notification: delivered, refused for good, or pushed out of a full queue."""

    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


class DeliveryFailed(Exception):
    """A delivery failed; `retry` says whether another attempt may succeed, `retry_after` in how many seconds at least.

    `detail` and `fix` contain no URL, password or token.
    """

    def __init__(
        self, reason: Reason, detail: str, *, fix: str = "", retry: bool = True, retry_after: float = 0.0
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.fix = fix
        self.retry = retry
        self.retry_after = retry_after

    def as_not_available(self) -> NotAvailable:
        """The same, for the collector's report."""
        return NotAvailable(self.reason, self.detail, fix=self.fix)


class NotificationChannel(Protocol):
    """A way to notify somebody."""

    async def send(self, message: Notification) -> None:
        """Deliver the message; raises `DeliveryFailed`."""


class RetryPause:
    """When to try again: after any time up to a bound that doubles, so that many clients spread out.

    The formula is "full jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, clock: Clock, jitter: Jitter) -> None:
        self._clock = clock
        self._jitter = jitter
        self._failures = 0
        self._ends_at = 0.0

    @property
    def is_over(self) -> bool:
        """Whether an attempt may be made now."""
        return self._clock.monotonic() >= self._ends_at

    def begin(self, at_least: float) -> None:
        """Pause after a failed attempt, for the `at_least` seconds that the other side asks for."""
        longest = min(FIRST_PAUSE * 2.0 ** min(self._failures, 20), LONGEST_PAUSE)
        self._failures += 1
        self._ends_at = self._clock.monotonic() + max(self._jitter(0.0, longest), min(at_least, LONGEST_PAUSE))

    def end(self) -> None:
        """Forget the failures: an attempt has succeeded."""
        self._failures, self._ends_at = 0, 0.0


async def attempt_delivery(sending: Awaitable[None], seconds: float) -> DeliveryFailed | None:
    """Wait so long for a delivery; returns how it failed, without the texts of other exceptions: they hold secrets."""
    try:
        async with asyncio.timeout(seconds):
            await sending
    except DeliveryFailed as error:
        return error
    except TimeoutError:
        return DeliveryFailed(Reason.TIMEOUT, f"no answer within {seconds:g} s")
    except Exception as error:  # noqa: BLE001 - whatever fails concerns this channel alone
        return DeliveryFailed(Reason.BAD_DATA, f"{type(error).__name__} while sending")
    return None


class DeliveryQueue:
    """Delivers the notifications of one channel one by one, in the background; the oldest are dropped if it is full.

    `counts` counts notifications by result; `on_done` is called with the id of each one that has left the queue.
    """

    def __init__(
        self,
        channel: NotificationChannel,
        counts: Counter[str],
        pause: RetryPause,
        on_done: Callable[[str], None],
        *,
        timeout: float,
        limit: int,
        log: logging.Logger,
    ) -> None:
        self.last_error: DeliveryFailed | None = None
        self.is_up: bool | None = None
        self._on_done = on_done
        self._channel = channel
        self._counts = counts
        self._pause = pause
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
        if self._background.is_busy or not self._queue or not self._pause.is_over:
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
                self._pause.end()
                self._finish_message(message, DeliveryResult.SENT)
            elif error.retry:
                self._pause.begin(error.retry_after)
                return
            else:
                self._log.error("a notification was refused and is lost: %s", error.detail)
                self._finish_message(message, DeliveryResult.FAILED)

    def _finish_message(self, message: Notification, result: DeliveryResult) -> None:
        """Take a message out of the queue, unless it was dropped while it was being sent."""
        if self._queue and self._queue[0] is message:
            self._queue.popleft()
            self._counts[result] += 1
            self._on_done(message.id)
