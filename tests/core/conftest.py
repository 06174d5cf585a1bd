"""Collectors for tests of the framework."""

import contextlib
import sys
import textwrap
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from collector_core import Collector, Gauge, Unit
from collector_core.config.settings import Instance
from collector_core.engine.runner import Runner
from collector_core.exposition.formats import negotiate
from collector_core.exposition.sources import Exposition
from collector_core.testing import FakeClock

VALUE = Gauge("probe_power_watts", "Power.", Unit.WATTS, ("plug",))


def make_probe():
    """A collector class whose behaviour the test sets from outside."""
    script = SimpleNamespace(collect=lambda out: out.add(VALUE, 1, plug="a"), open=lambda: None, calls=[])

    class Probe(Collector):
        """Does what the test says."""

        name, metrics = "probe", (VALUE,)

        def open(self):
            script.calls.append("open")
            script.open()

        def collect(self, out):
            script.calls.append("collect")
            script.collect(out)

        def close(self):
            script.calls.append("close")

    return Probe, script


def make_instance(cls, **changes):
    defaults = {
        "name": cls.name,
        "type": cls,
        "options": cls.config_type(),
        "interval": 1.0,
        "timeout": 5.0,
        "stale_after": 3.0,
        "labels": (),
        "max_series": 100,
    }
    return Instance(**(defaults | changes))


class Bench:
    """A runner with an injected clock, driven cycle by cycle."""

    def __init__(self, cls, eventually, **changes):
        self.clock = FakeClock()
        self.exposition = Exposition(self.clock)
        instance = make_instance(cls, **changes)
        collector = instance.build(clock=self.clock, root=Path("/"))
        self.runner = Runner(instance, collector, self.exposition, self.clock, labels=collector.labels)
        self.eventually = eventually

    def tick(self):
        """What the watchdog and the collector's thread do now, on this thread; returns when the next run is due."""
        self.runner.tick(self.clock.monotonic())
        with contextlib.suppress(StopIteration):
            self.runner.cycle().send(None)
        return self.runner._next_due

    def run_in_background(self):
        """A cycle on a thread of its own."""
        threading.Thread(target=self.tick, daemon=True).start()
        self.eventually(lambda: self.runner._run)

    def start(self):
        """Start the runner's own thread and wait for its first run."""
        self.runner.start()
        self.eventually(lambda: self.runner.last_report and not self.runner._run)

    def metrics(self):
        """The lines of /metrics by series."""
        lines = self.exposition.body(negotiate("", "")).decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


@pytest.fixture
def bench(eventually):
    made = []

    def make(cls, **changes):
        made.append(Bench(cls, eventually, **changes))
        return made[-1]

    yield make
    for each in made:
        each.runner.stop()


@pytest.fixture
def gate():
    """An event that a hanging collector waits for; set at the end, so that no thread outlives the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def probe():
    return make_probe()


@pytest.fixture
def instance():
    return make_instance


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs distributions the way pip leaves them: a module and a dist-info folder."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = []

    def install(name, code, *, distribution=None, module=None):
        module = module or f"plugin_under_test_{name}"
        distribution = distribution or f"collector-{name}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code))
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[collector_core]\n{name} = {module}\n")
        modules.append(module)

    yield install
    for module in modules:
        sys.modules.pop(module, None)
