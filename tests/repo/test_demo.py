"""What plugins simulate for `run --demo`: the plugin's own metrics, without anything of the machine."""

import itertools
import re
import sys
from contextlib import closing
from pathlib import Path

import pytest

from collector_core import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_core.plugins.discovery import discover
from collector_core.testing import FakeClock, Harness

HOUR = 3600.0
EVENTS = {"open", "os.listdir", "os.scandir", "subprocess.Popen", "socket.connect", "ctypes.dlopen"}
MACHINE = ("open /proc", "open /sys", "open /dev", "os.", "subprocess.", "socket.", "ctypes.")
OWN_FOLDER = re.compile(r"os\.scandir \d+")  # a temporary one, by its descriptor, while it is deleted
SIMULATED = discover(hook="collector_demo_types").types
REAL = discover().types

every_simulation = pytest.mark.parametrize("cls", SIMULATED.values(), ids=SIMULATED)


@pytest.fixture(scope="session")
def audit():
    """What Python's audit events say; a hook stays for as long as the process does, so it is told when to listen."""
    heard, listening = [], []

    def hear(event, arguments):
        if listening and event in EVENTS:
            heard.append(f"{event} {arguments[0]}")

    sys.addaudithook(hear)
    return heard, listening


@pytest.fixture
def audited(audit):
    heard, listening = audit
    heard.clear()
    listening.append(True)
    yield lambda: list(heard)
    listening.clear()


def harness_of(cls, root):
    clock = FakeClock(wall_time=1_767_571_200.0)

    def latest():
        return EnergyReading(100.0 * clock.monotonic(), clock.monotonic())

    meter = EnergyMeter(Component.CPU, "package-0", EnergyMethod.RAPL, 0.05, 0.001, latest, read=latest)
    return closing(Harness(cls, root, clock=clock, energy_meters=lambda: [meter]))


def counters(harness):
    for metric in harness.collector.metrics:
        if metric.kind == "counter":
            yield from (((metric.name, labels), value) for labels, value in harness.series(metric).items())


def test_the_plugins_that_dashboards_are_for_are_simulated():
    assert {"system", "rapl", "nvidia", "qemu", "solix", "energy"} <= set(SIMULATED)


@every_simulation
def test_it_has_the_name_and_the_declarations_of_the_plugin(cls):
    assert cls.name in REAL
    assert cls.metrics is REAL[cls.name].metrics


@every_simulation
def test_it_runs_with_its_defaults_on_a_machine_without_anything(cls, tmp_path):
    with harness_of(cls, tmp_path) as harness:
        for _ in range(3):
            harness.run(advance=cls.default_interval)
        assert "demo=" not in harness.exposition(), "the framework adds the label"


@every_simulation
def test_it_touches_nothing_of_the_machine(cls, tmp_path, audited):
    with harness_of(cls, tmp_path) as harness:
        harness.run(advance=cls.default_interval)
        harness.run(advance=cls.default_interval)
    packages = [place for module in list(sys.modules.values()) for place in getattr(module, "__path__", ())]
    of_imports = {f"os.listdir {place}" for place in (*sys.path, *packages)}
    heard = [event for event in audited() if event not in of_imports and not OWN_FOLDER.fullmatch(event)]
    assert [event for event in heard if event.startswith(MACHINE)] == []


def test_touching_the_machine_is_seen(audited):
    Path("/proc/stat").exists()
    Path("/proc/stat").read_bytes()
    assert [event for event in audited() if event.startswith(MACHINE)] == ["open /proc/stat"]


@every_simulation
def test_its_counters_never_fall_in_a_week(cls, tmp_path):
    seen = []
    with harness_of(cls, tmp_path) as harness:
        for _ in range(7 * 24 // 2):
            harness.run(advance=2 * HOUR)
            seen.append(dict(counters(harness)))
    for before, after in itertools.pairwise(seen):
        assert {key: (before[key], value) for key, value in after.items() if value < before.get(key, 0.0)} == {}
