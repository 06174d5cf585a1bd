"""Keeps an Alertmanager in sync: firing alerts are sent again and again, resolved ones until received once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from collector_core import Clock
from collector_plugins.alerts.alert import Alert, Severity
from collector_plugins.alerts.background_delivery import BackgroundDelivery
from collector_plugins.alerts.delivery_queue import DeliveryResult

MAX_RESOLVED = 2000  # resolved alerts that wait to be sent; the oldest are dropped


class AlertReceiver(Protocol):
    """Takes the alerts as a whole."""

    async def post_alerts(self, alerts: Sequence[Alert]) -> None:
        """Send them; raises `NotAvailable` or `AuthFailed`."""


class AlertmanagerSync:
    """Tracks which alerts the receiver has yet to be sent, and sends them in the background."""

    def __init__(
        self,
        receiver: AlertReceiver,
        delivery: BackgroundDelivery,
        counts: Counter[str],
        clock: Clock,
        *,
        min_severity: Severity,
        resend: float,
        send_resolved: bool = True,
    ) -> None:
        self.delivery = delivery
        self.known: dict[str, Alert] = {}
        self._receiver = receiver
        self._counts = counts
        self._clock = clock
        self._min_severity = min_severity
        self._resend = resend
        self._send_resolved = send_resolved
        self._unsent: set[str] = set()
        self._sent_at: float | None = None

    def __len__(self) -> int:
        return len(self._unsent)

    def restore_known(self, known: Mapping[str, Alert]) -> None:
        """Continue from an earlier process: everything is sent again, with what has been resolved since."""
        self.known = dict(known)
        self._unsent = {key for key, alert in known.items() if alert.is_resolved}

    def update_alerts(self, now: float, alerts: Iterable[Alert]) -> None:
        """Take over the alerts that fire at `now`, in seconds since 1970; all others are resolved."""
        firing = {alert.id: alert for alert in alerts if alert.severity.rank >= self._min_severity.rank}
        for key, alert in firing.items():
            before = self.known.get(key)
            if before is None or before.is_resolved:
                self._unsent.add(key)
            self.known[key] = alert
        for key, alert in list(self.known.items()):
            if key not in firing and not alert.is_resolved:
                self.known[key] = replace(alert, ends_at=now)
                self._unsent.add(key)
        self._drop_excess()

    def start_delivery(self) -> asyncio.Task[None] | None:
        """Start to send everything if something is new or it is time to repeat it; None if neither, or in a pause."""
        repeats = self._sent_at is None or self._clock.monotonic() - self._sent_at >= self._resend
        is_due = self._unsent or (repeats and self.known)
        if not is_due or not self.delivery.can_start:
            return None
        return self.delivery.start(self._send_all())

    async def _send_all(self) -> None:
        sent, new = dict(self.known), len(self._unsent)
        error = await self.delivery.attempt(self._receiver.post_alerts(list(sent.values())))
        if error is not None:
            self.delivery.pause(error)
            return
        self._sent_at = self._clock.monotonic()
        self._counts[DeliveryResult.SENT] += new
        self._mark_sent(sent)

    def _mark_sent(self, sent: Mapping[str, Alert]) -> None:
        """What changed while it was being sent is still unsent; what was resolved is forgotten."""
        for key, alert in sent.items():
            now = self.known.get(key)
            if now is alert or (now is not None and not alert.is_resolved and not now.is_resolved):
                self._unsent.discard(key)
            if now is alert and alert.is_resolved:
                del self.known[key]

    def _drop_excess(self) -> None:
        resolved = [key for key, alert in self.known.items() if alert.is_resolved]
        excess = resolved[: max(0, len(resolved) - MAX_RESOLVED)] if self._send_resolved else resolved
        for key in excess:
            del self.known[key]
            self._unsent.discard(key)
