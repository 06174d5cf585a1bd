"""From the options of a channel to what delivers."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable

from collector_core import Clock
from collector_plugins.alerts.alert import INSTANCE, NAME, SEVERITY, Alert, Severity, identity
from collector_plugins.alerts.alertmanager import Alertmanager
from collector_plugins.alerts.channeloptions import (
    AlertmanagerOptions,
    ChannelOptions,
    ConsoleOptions,
    EmailOptions,
    LogOptions,
    WebhookOptions,
)
from collector_plugins.alerts.delivery import Channel, Delivery, Pause
from collector_plugins.alerts.files import Console, LogFile
from collector_plugins.alerts.mail import Mail
from collector_plugins.alerts.notification import notification
from collector_plugins.alerts.policy import Batch
from collector_plugins.alerts.sync import Sync
from collector_plugins.alerts.webhook import Webhook

TEST_ALERT = "TestAlert"


def message_channel(options: ChannelOptions, clock: Clock) -> Channel:
    """What takes single messages."""
    match options:
        case ConsoleOptions():
            return Console()
        case LogOptions():
            return LogFile(options)
        case WebhookOptions():
            return Webhook(options, clock)
        case EmailOptions():
            return Mail(options, clock)
        case _:
            raise TypeError(f"{options.type} takes no single messages")


def delivery(
    options: ChannelOptions,
    clock: Clock,
    counts: Counter[str],
    forget: Callable[[str], None],
    *,
    log: logging.Logger,
    most: int,
) -> Delivery | Sync:
    """The channel with its queue of at most so many; `forget` is told what needs no queue any more."""
    pause = Pause(clock, random.uniform)
    if isinstance(options, AlertmanagerOptions):
        return Sync(
            Alertmanager(options, clock),
            counts,
            pause,
            clock,
            min_severity=options.min_severity,
            timeout=options.timeout,
            resend=options.resend,
            send_resolved=options.send_resolved,
        )
    return Delivery(message_channel(options, clock), counts, pause, forget, timeout=options.timeout, most=most, log=log)


async def send_test(name: str, options: ChannelOptions, clock: Clock, instance: str) -> None:
    """Tell a channel something, now; raises `Undelivered`. In an Alertmanager it ends at once."""
    now = clock.time()
    labels = {NAME: TEST_ALERT, SEVERITY: Severity.INFO.value, INSTANCE: instance}
    alert = Alert(identity(labels), labels, now, f"A test of the channel {name}: nothing is wrong", ends_at=now)
    if isinstance(options, AlertmanagerOptions):
        await Alertmanager(options, clock).post([alert])
    else:
        await message_channel(options, clock).send(notification(name, Batch({NAME: TEST_ALERT}, (), (alert,)), now))
