"""`energy-collector alerts test CHANNEL` and `alerts list`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import click

from collector_core import CommandContext, NotAvailable
from collector_plugins.alerts.alert import rfc3339
from collector_plugins.alerts.channels import send_test
from collector_plugins.alerts.config import Config
from collector_plugins.alerts.delivery import attempt
from collector_plugins.alerts.notification import one_line
from collector_plugins.alerts.store import Store, file_of

_collector = click.option(
    "--collector", default="alerts", show_default=True, help="Which one, where several are configured."
)


@click.argument("channel")
@_collector
def test(context: CommandContext, *, channel: str, collector: str) -> None:
    """Send a test notification through CHANNEL, now.

    Exit code 1: it did not get through.
    """
    config = _options(context, collector)
    options = config.channels.get(channel)
    if options is None:
        there = ", ".join(config.channels) or "none"
        raise NotAvailable(
            "not_found", f"no channel is called {channel!r}; there are: {there}", fix="add it to `channels`"
        )
    instance = config.instance or socket.gethostname()
    error = asyncio.run(attempt(send_test(channel, options, context.clock, instance), options.timeout))
    if error:
        raise NotAvailable(error.reason, f"{channel}: {error.detail}", fix=error.fix)
    click.echo(f"{channel} took the test notification")


@_collector
def list_alerts(context: CommandContext, *, collector: str) -> None:
    """List the alerts that fire or are about to, as the running collector has left them.

    Exit code 1: its state cannot be read.
    """
    config = _options(context, collector)
    file = file_of(config.state, collector)
    if not file.exists():
        raise NotAvailable("not_found", f"{file} is not there: no collector has run yet", fix="energy-collector run")
    for line in _report(Store(file)):
        click.echo(line)


def _options(context: CommandContext, collector: str) -> Config:
    options = context.options(collector)
    if not isinstance(options, Config):
        raise NotAvailable("not_found", f"{collector} is no collector of this plugin", fix="--collector NAME")
    return options


def _report(store: Store) -> Iterator[str]:
    entries = store.load().rules.entries.values()
    waiting = len(store.queued())
    store.close()
    for entry in entries:
        state, alert = ("firing" if entry.firing else "pending"), entry.alert
        since = rfc3339(alert.starts_at)
        yield one_line(f"{state:<8} {alert.severity:<9} {alert.name:<24} {since} {alert.summary}")
    yield f"{len(entries)} alerts, {waiting} notifications wait"
