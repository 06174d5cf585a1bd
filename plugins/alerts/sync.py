"""Keeps an Alertmanager informed: it is told again and again what fires, and once that something does no more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from collector_core import BackgroundTask, Clock
from collector_plugins.alerts.alert import Alert, Severity
from collector_plugins.alerts.delivery import SENT, Pause, Undelivered, attempt

MAX_ENDED = 2000  # resolved alerts that wait to be told; the oldest go first


class Receiver(Protocol):
    """What takes the state as a whole."""

    async def post(self, alerts: Sequence[Alert]) -> None:
        """Tell it; raises `Undelivered`."""


class Sync:
    """What fires and what has ended, as far as the receiver does not know it; delivered in the background."""

    def __init__(
        self,
        receiver: Receiver,
        counts: Counter[str],
        pause: Pause,
        clock: Clock,
        *,
        min_severity: Severity,
        timeout: float,
        resend: float,
        send_resolved: bool = True,
    ) -> None:
        self.error: Undelivered | None = None
        self.worked: bool | None = None
        self.known: dict[str, Alert] = {}
        self._receiver = receiver
        self._counts = counts
        self._pause = pause
        self._clock = clock
        self._min_severity = min_severity
        self._timeout = timeout
        self._resend = resend
        self._send_resolved = send_resolved
        self._untold: set[str] = set()
        self._told_at: float | None = None
        self._background = BackgroundTask()

    def __len__(self) -> int:
        return len(self._untold)

    def restore(self, known: Mapping[str, Alert]) -> None:
        """Go on where an earlier process ended: all is told anew, and what ended meanwhile, too."""
        self.known = dict(known)
        self._untold = {key for key, alert in known.items() if alert.ends_at is not None}

    def update(self, now: float, alerts: Iterable[Alert]) -> None:
        """Take what fires at `now`, seconds since 1970."""
        firing = {alert.id: alert for alert in alerts if alert.severity.rank >= self._min_severity.rank}
        for key, alert in firing.items():
            before = self.known.get(key)
            if before is None or before.ends_at is not None:
                self._untold.add(key)
            self.known[key] = alert
        for key, alert in list(self.known.items()):
            if key not in firing and alert.ends_at is None:
                self.known[key] = replace(alert, ends_at=now)
                self._untold.add(key)
        self._forget()

    def start(self) -> asyncio.Task[None] | None:
        """Begin to tell what is new, or everything again; None where neither is due."""
        again = self._told_at is None or self._clock.monotonic() - self._told_at >= self._resend
        if self._background.is_busy or not self._pause.is_over or not (self._untold or (again and self.known)):
            return None
        return self._background.start(self._tell())

    async def close(self) -> None:
        """Give up what goes on."""
        await self._background.close()

    async def _tell(self) -> None:
        posted, untold = dict(self.known), set(self._untold)
        self.error = await attempt(self._receiver.post(list(posted.values())), self._timeout)
        self.worked = self.error is None
        if self.error is not None:
            self._pause.begin(self.error.after)
            return
        self._pause.end()
        self._told_at = self._clock.monotonic()
        self._counts[SENT] += len(untold)
        for key, alert in posted.items():
            if self.known.get(key) is alert or (alert.ends_at is None and self._fires(key)):
                self._untold.discard(key)
            if alert.ends_at is not None and self.known.get(key) is alert:
                del self.known[key]

    def _fires(self, key: str) -> bool:
        now = self.known.get(key)
        return now is not None and now.ends_at is None

    def _forget(self) -> None:
        ended = [key for key, alert in self.known.items() if alert.ends_at is not None]
        excess = ended if not self._send_resolved else ended[: max(0, len(ended) - MAX_ENDED)]
        for key in excess:
            del self.known[key]
            self._untold.discard(key)
