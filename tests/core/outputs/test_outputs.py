"""All outputs of a process: reloaded without disturbing the others, and shown even where they cannot run."""

import threading

import pytest

from collector_core.config.section import Unloadable
from collector_core.exposition.formats import negotiate
from collector_core.exposition.sources import Exposition
from collector_core.outputs.outputs import Outputs
from collector_core.outputs.runner import OutputRunner
from collector_core.plugins.discovery import Plugin
from collector_core.testing import FakeClock
from tests.core.outputs.conftest import Letters, Receiver, heard, make_output_instance


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    clock = FakeClock()
    made = Outputs(Exposition(clock), clock, str)
    yield made
    made.stop(10)


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
def letters(receiver):
    return type("Letters", (Letters,), {"receiver": receiver, "__doc__": Letters.__doc__})


def shown(outputs):
    lines = outputs._exposition.body(negotiate("", "")).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


def test_what_is_heard_goes_to_every_output_on_its_own_thread(outputs, letters, receiver, eventually):
    outputs.apply([make_output_instance(letters, name=name, batch_wait=0.01) for name in "ab"], [], None)
    outputs.start()
    outputs.hear(1.0, *heard(1.0, x=5).published)
    eventually(lambda: outputs._clock.advance(1) or [value for _, value, _ in receiver.taken] == [5, 5])
    assert {"output-a", "output-b"} <= {thread.name for thread in threading.enumerate()}


def test_an_output_that_is_as_before_goes_on_undisturbed(outputs, letters):
    same, changed = (make_output_instance(letters, name=name) for name in ("same", "changed"))
    outputs.apply([same, changed], [], None)
    before = dict(outputs.runners)
    outputs.apply([same, make_output_instance(letters, name="changed", batch_size=7)], [], None)
    assert outputs.runners["same"] is before["same"]
    assert outputs.runners["changed"] is not before["changed"]
    outputs.apply([same], [], None)
    assert list(outputs.runners) == ["same"]
    assert not [series for series in shown(outputs) if "changed" in series]


def test_an_output_that_cannot_be_loaded_is_shown_as_down(outputs, letters):
    torn = Plugin("torn", "torn", "1", error="ImportError: no", fix="pip install torn")
    outputs.apply([make_output_instance(letters)], [Unloadable("home", torn, None)], None)
    assert shown(outputs)['collector_output_up{output="home"}'] == 0
    assert [(health.output, health.error) for health in outputs.health()] == [("home", "ImportError: no"), ("mine", "")]
    outputs.apply([], [], None)
    assert shown(outputs) == {}


def test_an_output_without_a_folder_for_its_queue_harms_no_other(outputs, letters, monkeypatch):
    def build(instance, *arguments):
        if instance.name == "homeless":
            raise RuntimeError("Could not determine home directory.")
        return OutputRunner(instance, *arguments)

    monkeypatch.setattr("collector_core.outputs.runner.OutputRunner", build)
    outputs.apply([make_output_instance(letters, name=name) for name in ("homeless", "fine")], [], None)
    assert list(outputs.runners) == ["fine"]
    assert "home directory" in {health.output: health.error for health in outputs.health()}["homeless"]


@pytest.mark.parametrize("error", [SystemExit(1), ValueError("no"), KeyboardInterrupt()])
def test_a_constructor_that_fails_is_tried_again_later(bench, error):
    made = bench()
    calls = []

    def build():
        calls.append(1)
        raise error

    build_well, made.runner._build = made.runner._build, build
    for second in range(1, 11):
        made.hear(float(second), a=second)
        made.advance(0.05)
    assert len(calls) == 1, "not at every run"
    assert made.metric("up") == 0
    made.runner._build = build_well
    made.advance(5)
    made.advance(1)
    assert made.values == list(range(1, 11))


def test_an_output_that_hangs_while_it_encodes_is_down_and_the_others_go_on(outputs, letters, receiver, eventually):
    gate = threading.Event()

    class Stuck(letters):
        """Never ends."""

        name = "stuck"

        def encode(self, samples):
            gate.wait(60)
            return []

    outputs.apply([make_output_instance(Stuck, name="stuck"), make_output_instance(letters, batch_wait=0.01)], [], None)
    outputs.start()
    outputs.hear(1.0, *heard(1.0, x=5).published)
    eventually(lambda: outputs._clock.advance(1) or [value for _, value, _ in receiver.taken] == [5])
    outputs._clock.advance(10)
    for runner in outputs.runners.values():
        runner.tick(outputs._clock.monotonic())
    assert shown(outputs)['collector_output_up{output="stuck"}'] == 0
    assert outputs.runners["stuck"].health.error
    gate.set()


def test_samples_that_cannot_be_encoded_are_dropped_and_the_next_ones_arrive(bench):
    made = bench()
    made.cycle()
    output = made.runner._output
    encode = output.encode
    output.encode = lambda samples: [object()]
    made.hear(1.0, a=1)
    made.cycle()
    output.encode = encode
    made.hear(2.0, a=2)
    made.cycle()
    made.advance(1)
    assert (made.values, made.metric("dropped_total", reason="refused")) == ([2], 1)
