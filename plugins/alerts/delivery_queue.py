"""One channel's queue: notifications are delivered one by one, retried if they may yet get through, and bounded."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Protocol

from collector_core import NotAvailable, Reason
from collector_plugins.alerts.background_delivery import BackgroundDelivery, is_final
from collector_plugins.alerts.notification import Notification


class DeliveryResult(StrEnum):
    """What became of a notification: delivered, refused for good, or pushed out of a full queue."""

    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


class NotificationChannel(Protocol):
    """A way to notify somebody."""

    async def send(self, message: Notification) -> None:
        """Deliver the message; raises `NotAvailable` or `AuthFailed`, and `DeliveryRefused` if no retry would help."""


class DeliveryQueue:
    """The notifications of one channel; the oldest are dropped if there are more than `limit`.

    `counts` counts notifications by result; `on_done` is called with the id of each one that has left the queue.
    """

    def __init__(
        self,
        channel: NotificationChannel,
        delivery: BackgroundDelivery,
        counts: Counter[str],
        on_done: Callable[[str], None],
        *,
        limit: int,
        log: logging.Logger,
    ) -> None:
        self.delivery = delivery
        self._channel = channel
        self._counts = counts
        self._on_done = on_done
        self._limit = limit
        self._log = log
        self._queue: deque[Notification] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def enqueue(self, messages: Iterable[Notification]) -> None:
        """Add messages at the end; the oldest are dropped while there are too many."""
        self._queue.extend(messages)
        while len(self._queue) > self._limit:
            self._finish_message(self._queue[0], DeliveryResult.DROPPED)

    def start_delivery(self) -> asyncio.Task[None] | None:
        """Start to deliver; None if nothing waits, a delivery is under way, or the channel is in a pause."""
        if not self._queue or not self.delivery.can_start:
            return None
        return self.delivery.start(self._deliver_all())

    async def _deliver_all(self) -> None:
        while self._queue:
            message = self._queue[0]
            error = await self.delivery.attempt(self._channel.send(message))
            if error is None:
                self._finish_message(message, DeliveryResult.SENT)
                continue
            if is_final(error):
                fix = f"; fix: {error.fix}" if error.fix else ""
                self._log.error("a notification was refused and is lost: %s%s", error.detail, fix)
                self._finish_message(message, DeliveryResult.FAILED)
            if _needs_pause(error):
                self.delivery.pause(error)
                return

    def _finish_message(self, message: Notification, result: DeliveryResult) -> None:
        """Take a message out of the queue, unless it was dropped while it was being sent."""
        if self._queue and self._queue[0] is message:
            self._queue.popleft()
            self._counts[result] += 1
            self._on_done(message.id)


def _needs_pause(error: NotAvailable) -> bool:
    """A queue full of refused logins could lock the account; other refusals concern one message."""
    return error.reason is Reason.AUTH or not is_final(error)
