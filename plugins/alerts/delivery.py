"""One channel's queue: delivered in the background, tried again with growing pauses, bounded."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from collector_core import BackgroundTask, Clock, NotAvailable, Reason
from collector_plugins.alerts.notification import Notification

FIRST_PAUSE = 10.0  # seconds
LONGEST_PAUSE = 600.0

SENT = "sent"
FAILED = "failed"
DROPPED = "dropped"

Spread = Callable[[float, float], float]


class Undelivered(Exception):
    """A delivery failed. `again` says whether another try may help, after at least so many seconds.

    `detail` and `fix` contain no URL, password or token.
    """

    def __init__(self, reason: Reason, detail: str, *, fix: str = "", again: bool = True, after: float = 0.0) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.fix = fix
        self.again = again
        self.after = after

    @property
    def explained(self) -> NotAvailable:
        """The same for the collector's report."""
        return NotAvailable(self.reason, self.detail, fix=self.fix)


class Channel(Protocol):
    """A way to tell somebody."""

    async def send(self, message: Notification) -> None:
        """Deliver it; raises `Undelivered`."""


class Pause:
    """When to try again: any moment up to twice the longest one before, so that many clients spread out.

    The formula is "full jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, clock: Clock, spread: Spread) -> None:
        self._clock = clock
        self._spread = spread
        self._failures = 0
        self._until = 0.0

    @property
    def is_over(self) -> bool:
        """Whether one may try."""
        return self._clock.monotonic() >= self._until

    def begin(self, at_least: float) -> None:
        """A try has failed; `at_least` are the seconds that the other side asks for."""
        most = min(FIRST_PAUSE * 2.0 ** min(self._failures, 20), LONGEST_PAUSE)
        self._failures += 1
        self._until = self._clock.monotonic() + max(self._spread(0.0, most), min(at_least, LONGEST_PAUSE))

    def end(self) -> None:
        """A try has worked."""
        self._failures, self._until = 0, 0.0


async def attempt(sending: Awaitable[None], seconds: float) -> Undelivered | None:
    """Wait so long for one delivery; returns how it failed, without texts of other exceptions: they hold secrets."""
    try:
        async with asyncio.timeout(seconds):
            await sending
    except Undelivered as error:
        return error
    except TimeoutError:
        return Undelivered(Reason.TIMEOUT, f"no answer after {seconds:g} s")
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is this channel's own affair
        return Undelivered(Reason.BAD_DATA, f"{type(error).__name__} while sending")
    return None


class Delivery:
    """Takes notifications for one channel and hands them over one by one, in the background.

    `counts` counts them by result; `forget` is told at once the id of each that was handed over or lost.
    """

    def __init__(
        self,
        channel: Channel,
        counts: Counter[str],
        pause: Pause,
        forget: Callable[[str], None],
        *,
        timeout: float,
        most: int,
        log: logging.Logger,
    ) -> None:
        self.error: Undelivered | None = None
        self.worked: bool | None = None
        self._forget = forget
        self._channel = channel
        self._counts = counts
        self._pause = pause
        self._timeout = timeout
        self._most = most
        self._log = log
        self._queue: deque[Notification] = deque()
        self._background = BackgroundTask()

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, messages: Iterable[Notification]) -> None:
        """Queue messages; the oldest are dropped where they are too many."""
        self._queue.extend(messages)
        while len(self._queue) > self._most:
            self._end(self._queue[0], DROPPED)

    def start(self) -> asyncio.Task[None] | None:
        """Begin to deliver; None where nothing waits, a delivery goes on or the channel is left alone for a while."""
        if self._background.is_busy or not self._queue or not self._pause.is_over:
            return None
        return self._background.start(self._drain())

    async def close(self) -> None:
        """Give up what goes on; what waits stays in the queue."""
        await self._background.close()

    async def _drain(self) -> None:
        while self._queue:
            message = self._queue[0]
            self.error = await attempt(self._channel.send(message), self._timeout)
            self.worked = self.error is None
            if self.error is None:
                self._pause.end()
                self._end(message, SENT)
            elif self.error.again:
                self._pause.begin(self.error.after)
                return
            else:
                self._log.error("a notification is lost: %s", self.error.detail)
                self._end(message, FAILED)

    def _end(self, message: Notification, result: str) -> None:
        """Take a message out of the queue, unless it has been dropped while it was under way."""
        if self._queue and self._queue[0] is message:
            self._queue.popleft()
            self._counts[result] += 1
            self._forget(message.id)
