"""`energy-collector alerts test CHANNEL` and `energy-collector alerts list`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import click

from collector_core import CommandContext, NotAvailable
from collector_plugins.alerts.alert import format_rfc3339
from collector_plugins.alerts.channels import send_test_notification
from collector_plugins.alerts.config import Config
from collector_plugins.alerts.notification import one_line
from collector_plugins.alerts.store import AlertStore, state_file

_collector = click.option(
    "--collector", default="alerts", show_default=True, help="Name of the collector, if several are configured."
)


@click.argument("channel")
@_collector
def test_channel(context: CommandContext, *, channel: str, collector: str) -> None:
    """Send a test notification through CHANNEL now.

    Exit code 1: it was not delivered.
    """
    config = _options(context, collector)
    options = config.channels.get(channel)
    if options is None:
        names = ", ".join(config.channels) or "none"
        raise NotAvailable(
            "not_found", f"no channel is named {channel!r}; there are: {names}", fix="add it to `channels`"
        )
    instance = config.instance or socket.gethostname()
    error = asyncio.run(send_test_notification(channel, options, context.clock, instance))
    if error:
        raise NotAvailable(error.reason, f"{channel}: {error.detail}", fix=error.fix)
    click.echo(f"{channel} accepted the test notification")


@_collector
def list_alerts(context: CommandContext, *, collector: str) -> None:
    """List the firing and pending alerts, as last saved by the running collector.

    Exit code 1: its state cannot be read.
    """
    file = state_file(_options(context, collector).state_folder, collector)
    if not file.exists():
        raise NotAvailable("not_found", f"{file} does not exist: no collector has run yet", fix="energy-collector run")
    for line in _list_lines(AlertStore(file, read_only=True)):
        click.echo(line)


def _options(context: CommandContext, collector: str) -> Config:
    options = context.options(collector)
    if not isinstance(options, Config):
        raise NotAvailable("not_found", f"{collector} is not a collector of this plugin", fix="--collector NAME")
    return options


def _list_lines(store: AlertStore) -> Iterator[str]:
    entries = store.load_state().alerts.tracked.values()
    waiting = sum(map(len, store.load_queues().values()))
    store.close()
    for tracked in entries:
        state, alert = ("firing" if tracked.firing else "pending"), tracked.alert
        since = format_rfc3339(alert.starts_at)
        yield one_line(f"{state:<8} {alert.severity:<9} {alert.name:<24} {since} {alert.summary}")
    yield f"{len(entries)} alerts, {waiting} notifications waiting"
