"""The plugin beside a collector that shows what a text says."""

from pathlib import Path

import pytest

from collector_core import Published
from collector_core.testing import FakeClock, Harness
from collector_plugins.alerts import Alerts
from tests.shown import Shown
from tests.webhookserver import WebhookServer

QUICK = {"group_wait": "10ms", "group_interval": "10ms", "startup_grace": "10ms", "default_rules": False}
HOT = {"alert": "Hot", "series": "heat", "above": 50}


class Watched:
    """The plugin under test; `run(text)` is one look at what others show."""

    def __init__(self, folder: Path, clock=None, cls=Alerts, **options):
        self.clock = clock or FakeClock()
        self.others = Harness(Shown)
        options = {"instance": "test", "state_dir": folder} | options
        self.harness = Harness(cls, clock=self.clock, published=self._published, timeout=20, **options)
        self.collector = self.harness.collector

    def _published(self):
        return [Published("others", {}, self.others.snapshot), *self.harness.published()]

    def run(self, text="", advance=5.0):
        self.others.collector.text = text
        self.others.run()
        self.harness.run(advance=advance)
        return self

    def close(self):
        self.harness.close()
        self.others.close()


@pytest.fixture
def watch(tmp_path):
    """Makes the plugin; `watch(again)` ends the one before and starts another on its state, as a restart does."""
    made = []

    def make(before=None, **options):
        if before:
            before.close()
            made.remove(before)
            options = {"clock": before.clock, **options}
        made.append(Watched(tmp_path / "state", **options))
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
