"""Outputs for tests of the framework."""

import threading

import pytest

from collector_core import Gauge, NotAvailable, Output, OutputConfig, Published, Readings, Unit
from collector_core.config.outputs import OutputInstance
from collector_core.exposition.formats import negotiate
from collector_core.exposition.sources import Exposition
from collector_core.outputs.runner import OutputRunner
from collector_core.outputs.sampling import Heard
from collector_core.testing import FakeClock
from tests.core.storage.conftest import disk  # noqa: F401 - a fixture

POWER = Gauge("probe_power_watts", "Power.", Unit.WATTS, ("plug",))
HEAT = Gauge("probe_heat_celsius", "Heat.", Unit.CELSIUS, ("plug",))


class Receiver:
    """What is at the other end: takes records unless the test says otherwise."""

    def __init__(self):
        self.taken = []
        self.repeats = []
        self.error = None
        self.gate = threading.Event()
        self.gate.set()
        self.tests = 0
        self.closed = 0

    def reach(self):
        self.gate.wait(60)
        if self.error:
            raise self.error


class Letters(Output):
    """Delivers to the receiver of the test."""

    name = "letters"
    receiver: Receiver

    def encode(self, samples):
        return [[each.series.text, each.value, each.time] for each in samples]

    def test(self):
        self.receiver.tests += 1
        self.receiver.reach()

    def send(self, records, *, may_repeat):
        self.receiver.repeats.append(may_repeat)
        self.receiver.reach()
        self.receiver.taken += records

    def close(self):
        self.receiver.closed += 1


def make_output_instance(cls, **changes):
    defaults = {
        "name": "mine",
        "type": cls,
        "options": OutputConfig(),
        "series": None,
        "interval": 0.0,
        "labels": (),
        "rename": (),
        "timeout": 5.0,
        "batch_size": 100,
        "batch_wait": 1.0,
        "queue_max_bytes": 1_000_000,
        "queue_max_age": 3600.0,
    }
    return OutputInstance(**(defaults | changes))


def heard(time, source="probe", metric=POWER, **values):
    """A run of a collector that read these plugs."""
    out = Readings((POWER, HEAT), max_series=100)
    for plug, value in values.items():
        out.add(metric, value, plug=plug)
    return Heard(time, (Published(source, {}, out.snapshot()),))


class Bench:
    """An output with an injected clock, driven cycle by cycle."""

    def __init__(self, **changes):
        self.receiver = Receiver()
        self.clock = FakeClock()
        self.exposition = Exposition(self.clock)
        self.cls = type("Letters", (Letters,), {"receiver": self.receiver, "__doc__": Letters.__doc__})
        self.changes = changes
        self.start()

    def start(self):
        instance = make_output_instance(self.cls, **self.changes)
        self.runner = OutputRunner(instance, self.exposition, self.clock, root=None, redact=str)

    def crash(self):
        """End as after kill -9: nothing is put on disk any more."""
        self.runner._buffer._queue.close()
        self.runner._source.close()

    def restart(self):
        self.runner.stop()
        self.runner.close()
        self.start()

    def hear(self, *args, **values):
        self.runner.hear(heard(*args, **values))

    def cycle(self):
        """Everything that is due, until a call that was begun has come back."""
        self.runner.cycle()
        for _ in range(100):
            attempt = self.runner._delivery._attempt
            if attempt is None or attempt.is_given_up:
                break
            attempt.future.exception(timeout=60)
            self.runner.cycle()

    def advance(self, seconds):
        self.clock.advance(seconds)
        self.cycle()

    @property
    def metrics(self):
        self.runner.publish_health()
        lines = self.exposition.body(negotiate("", "")).decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}

    def metric(self, name, **labels):
        text = ",".join(f'{key}="{value}"' for key, value in sorted({"output": "mine", **labels}.items()))
        return self.metrics[f"collector_output_{name}{{{text}}}"]

    @property
    def values(self):
        return [value for _, value, _ in self.receiver.taken]

    def fail(self, error=None):
        self.receiver.error = error or NotAvailable("unreachable", "connection refused")


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Makes an output; its queue is below `tmp_path`."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = []

    def make(**changes):
        made.append(Bench(**changes))
        return made[-1]

    yield make
    for each in made:
        each.receiver.gate.set()
        each.runner._buffer.close()
