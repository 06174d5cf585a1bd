"""The plugin beside a collector that shows what a text says, and channels in front of receivers on loopback."""

import asyncio
import shutil
from pathlib import Path

import aiohttp  # noqa: F401 - takes long on a busy machine, and must not do so while a delivery is timed
import pytest
from pydantic import TypeAdapter

from collector_core import HttpClient, Published
from collector_core.testing import FakeClock, Harness
from collector_plugins.alerts import Alerts
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.background_delivery import attempt_delivery
from collector_plugins.alerts.channel_options import ChannelOptions
from collector_plugins.alerts.channels import build_channel
from collector_plugins.alerts.grouping import AlertBatch
from collector_plugins.alerts.notification import build_notification
from tests.shown import Shown
from tests.webhookserver import WebhookServer

QUICK = {"group_wait": "10ms", "group_interval": "10ms", "startup_grace": "10ms", "default_rules": False}
HOT = {"alert": "Hot", "series": "heat", "above": 50}


def hooked(server, **more):
    """Options with one channel, `ops`, to this server."""
    return {"channels": {"ops": {"type": "webhook", "url": server.url, **more}}}


class Watched:
    """The plugin under test; `run(text)` is one look at what others show."""

    def __init__(self, folder: Path, clock=None, cls=Alerts, **options):
        self.clock, self.folder = clock or FakeClock(), folder
        self.others = Harness(Shown)
        options = {"instance": "test", "state_dir": folder} | options
        self.harness = Harness(cls, clock=self.clock, published=self._published, timeout=600, **options)
        self.collector = self.harness.collector

    def _published(self):
        return [Published("others", {}, self.others.snapshot), *self.harness.published()]

    def run(self, text="", advance=5.0):
        self.others.collector.text = text
        self.others.run()
        self.harness.run(advance=advance)
        return self

    @property
    def store_connection(self):
        """SQLite's connection to the state."""
        return self.collector._dispatcher._store._database._connection

    def settle(self, channel):
        """Wait until the delivery of a channel that is under way has ended."""
        task = self.collector._dispatcher.channels[channel].delivery._task._task
        self.harness._loop.run(asyncio.wait_for(asyncio.shield(task), 30))

    def close(self):
        self.harness.close()
        self.others.close()


@pytest.fixture
def watch(tmp_path):
    """Makes the plugin. `watch(before)` ends that one and starts another on its state, as a restart does; with
    `killed=True` the other one starts on what a kill at this moment would have left."""
    made = []

    def make(before=None, *, killed=False, **options):
        folder = tmp_path / "state"
        if before:
            folder = before.folder
            options = {"clock": before.clock, **options}
        if killed:
            folder = tmp_path / f"state-{len(made)}"
            shutil.copytree(before.folder, folder)
        elif before:
            before.close()
            made.remove(before)
        made.append(Watched(folder, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def webhook():
    """Starts receivers: `webhook(status=500)`."""
    servers = []

    def start(*arguments, **behaviour):
        servers.append(WebhookServer(*arguments, **behaviour))
        return servers[-1].__enter__()

    yield start
    for server in servers:
        server.__exit__()


def hot(number=0, **more):
    """An alert that fires."""
    return Alert(f"{number}", {"alertname": "Hot", "severity": "warning"}, 1.7e9, "It is hot", **more)


def message(number=0, *alerts):
    """A notification for the channel `ops`, of one alert unless others are given."""
    return build_notification("ops", AlertBatch({"alertname": "Hot"}, alerts or (hot(number),)), 1.7e9 + number)


def channel_options(**given):
    """The options of a channel, as the configuration file has them."""
    return TypeAdapter(ChannelOptions).validate_python(given)


@pytest.fixture
def run():
    """Runs coroutines, all on one event loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def http(run):
    """A client for them."""
    client = HttpClient()
    yield client
    run(client.close())


@pytest.fixture
def send(run, http):
    """Sends one message through a channel with these options; returns how it failed, as the queue would see it."""
    clock = FakeClock()

    def send_once(sent=None, **options):
        options = channel_options(**options)
        channel = build_channel(options, http, clock)
        return run(attempt_delivery(channel.send(sent or message()), options.timeout))

    return send_once
