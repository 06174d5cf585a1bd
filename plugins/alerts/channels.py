"""Builds channels from their options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from collector_core import Clock, Context, HttpClient, NotAvailable
from collector_plugins.alerts.alert import ALERTNAME, INSTANCE, SEVERITY, Alert, Severity, fingerprint
from collector_plugins.alerts.alertmanager import AlertmanagerClient
from collector_plugins.alerts.alertmanager_sync import AlertmanagerSync
from collector_plugins.alerts.background_delivery import BackgroundDelivery, attempt_delivery, new_backoff
from collector_plugins.alerts.channel_options import (
    AlertmanagerOptions,
    AppriseOptions,
    ChannelOptions,
    ConsoleOptions,
    EmailOptions,
    LogOptions,
    WebhookOptions,
)
from collector_plugins.alerts.chat.apprise_channel import AppriseChannel
from collector_plugins.alerts.console_log import ConsoleChannel, LogFileChannel
from collector_plugins.alerts.delivery_queue import DeliveryQueue, NotificationChannel
from collector_plugins.alerts.grouping import AlertBatch
from collector_plugins.alerts.mail import MailChannel
from collector_plugins.alerts.notification import build_notification
from collector_plugins.alerts.webhook import WebhookChannel

TEST_ALERT = "TestAlert"


def build_channel(options: ChannelOptions, http: HttpClient, clock: Clock) -> NotificationChannel:
    """A channel that takes notifications; an Alertmanager is none."""
    match options:
        case ConsoleOptions():
            return ConsoleChannel()
        case LogOptions():
            return LogFileChannel(options)
        case WebhookOptions():
            return WebhookChannel(options, http, clock)
        case EmailOptions():
            return MailChannel(options, clock)
        case AppriseOptions():
            return AppriseChannel(options)
        case _:
            raise TypeError(f"{options.type} takes no notifications")


def build_channel_queue(
    options: ChannelOptions, ctx: Context, counts: Counter[str], on_done: Callable[[str], None], *, limit: int
) -> DeliveryQueue | AlertmanagerSync:
    """The channel with its queue of at most `limit` notifications, or what keeps an Alertmanager in sync."""
    delivery = BackgroundDelivery(ctx.clock, timeout=options.timeout, backoff=new_backoff())
    if isinstance(options, AlertmanagerOptions):
        return AlertmanagerSync(
            AlertmanagerClient(options, ctx.http, ctx.clock),
            delivery,
            counts,
            ctx.clock,
            min_severity=options.min_severity,
            resend=options.resend,
            send_resolved=options.send_resolved,
        )
    channel = build_channel(options, ctx.http, ctx.clock)
    return DeliveryQueue(channel, delivery, counts, on_done, limit=limit, log=ctx.logger)


async def send_test_notification(
    name: str, options: ChannelOptions, clock: Clock, instance: str
) -> NotAvailable | None:
    """Send a notification through a channel now; returns how it failed. In an Alertmanager the alert ends at once."""
    http = HttpClient(options.timeout)
    try:
        return await attempt_delivery(_send_test(name, options, http, clock, instance), options.timeout)
    finally:
        await http.close()


async def _send_test(name: str, options: ChannelOptions, http: HttpClient, clock: Clock, instance: str) -> None:
    now = clock.time()
    labels = {ALERTNAME: TEST_ALERT, SEVERITY: Severity.INFO.value, INSTANCE: instance}
    summary = f"Test of the channel {name}: nothing is wrong"
    alert = Alert(fingerprint(labels), labels, now, summary, ends_at=now)
    if isinstance(options, AlertmanagerOptions):
        await AlertmanagerClient(options, http, clock).post_alerts([alert])
    else:
        batch = AlertBatch({ALERTNAME: TEST_ALERT}, (), (alert,))
        await build_channel(options, http, clock).send(build_notification(name, batch, now))
