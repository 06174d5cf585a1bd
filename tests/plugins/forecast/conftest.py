"""A forecaster beside others' readings, with a history that is recorded and a clock that is moved."""

from contextlib import ExitStack

import pytest

from collector_core import Collector, CollectorConfig, Published
from collector_core.testing import FakeClock, Harness, RecordedHistory
from collector_plugins.forecast import Forecasts, forecaster
from tests.plugins.forecast import home


@pytest.fixture(params=["numpy", "pure"])
def way(request, monkeypatch):
    """Each test runs with numpy and, as where it is not installed, without."""
    if request.param == "numpy":
        pytest.importorskip("numpy")
    else:
        monkeypatch.setattr(forecaster, "find_spec", lambda name: None)
    return request.param


class Shown(Collector[CollectorConfig]):
    """Shows what a test says: pairs of a metric and a value, all of one battery."""

    name, metrics = "home", home.METRICS

    def __init__(self, config, ctx):
        super().__init__(config, ctx)
        self.now = {}

    def collect(self, out):
        for metric, value in self.now.items():
            out.add(metric, value, name="Shed")


class Bench:
    """The plugin, its history and its neighbour."""

    def __init__(self, folder, now, history=None, **options):
        self.clock = FakeClock(wall_time=now)
        self.history = history or RecordedHistory(folder)
        self.others = Harness(Shown)
        self.harness = self.forecasts(**options)

    def forecasts(self, **options):
        return Harness(Forecasts, clock=self.clock, published=self.published, history=self.history, **options)

    def published(self):
        return [Published("home", {}, self.others.snapshot)]

    def show(self, now):
        self.others.collector.now = now
        self.others.run()

    @property
    def training(self):
        return self.harness.collector._training

    def run(self, eventually, advance=0.0):
        """Run once, wait until what that began is done, and run again."""
        self.harness.run(advance=advance)
        self.wait(eventually)
        self.harness.run(advance=1.0)
        return self.harness

    def wait(self, eventually):
        eventually(lambda: not self.training.is_busy)

    def train_all(self, eventually, rounds=20):
        """Let time pass until nothing is due."""
        for _ in range(rounds):
            self.run(eventually, advance=200.0)

    def close(self):
        self.harness.close()
        self.others.close()
        if hasattr(self.history, "close"):
            self.history.close()


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Makes a bench: `bench(now, **options)`."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TZ", "UTC")
    with ExitStack() as stack:

        def make(now, **options):
            made = Bench(tmp_path / "history", now, **options)
            stack.callback(made.close)
            return made

        yield make
