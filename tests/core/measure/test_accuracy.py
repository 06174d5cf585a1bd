"""Energy of a known power curve, read from a powercap tree that a thread drives: wraps, jitter, a suspended process."""

import random
import threading
from math import cos, sin

import pytest

from collector_core.energy import EnergyMonitor
from collector_core.testing import FakeClock
from tests.powercap import PowercapTree

RANGE = 262_143_328_850  # microjoules at which the counters wrap
SMALL_RANGE = 65_712_999_613


def power(seconds):
    """Watts."""
    return 90 + 60 * sin(seconds / 3) + 20 * sin(seconds * 7)


def energy(seconds):
    """Joules from 0 to that time."""
    return 90 * seconds - 180 * cos(seconds / 3) - 20 / 7 * cos(seconds * 7) + 180 + 20 / 7


class Plant:
    """A tree and a clock that a thread moves on by uneven steps, one for each that it is asked for."""

    def __init__(self, root, near_the_wrap):
        self.clock = FakeClock()
        self.begin = self.clock.monotonic()
        self.tree = PowercapTree(root)
        self.starts = {}
        for socket in range(2):
            start = RANGE - near_the_wrap - socket * 1_000_000
            self.add(f"intel-rapl:{socket}", f"package-{socket}", start, RANGE)
            self.add(f"intel-rapl:{socket}:0", "dram", SMALL_RANGE - near_the_wrap, SMALL_RANGE)
        self.random = random.Random(7)
        self.left, self.changed, self.stopped = 0.0, threading.Condition(), False
        self.thread = threading.Thread(target=self.drive)
        self.thread.start()

    def add(self, path, name, start, maximum):
        self.tree.add(path, name, start=start, maximum=maximum, limits={"long_term": 200.0})
        self.starts[path] = start

    def drive(self):
        while not self.stopped:
            with self.changed:
                self.changed.wait_for(lambda: self.left > 0 or self.stopped)
                step = min(self.left, self.random.uniform(0.0005, 0.08))
                self.move(step)
                self.left -= step
                self.changed.notify_all()

    def move(self, step):
        self.clock.advance(step)
        moved = round(energy(self.clock.monotonic() - self.begin) * 1e6)
        for path, zone in self.tree.zones.items():
            zone.set((self.starts[path] + moved) % zone.maximum)

    def run(self, seconds):
        with self.changed:
            self.left = seconds
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.left <= 0, timeout=60)

    def truth(self, begin, end):
        return 4 * (energy(end - self.begin) - energy(begin - self.begin))

    def stop(self):
        with self.changed:
            self.stopped = True
            self.changed.notify_all()
        self.thread.join()


@pytest.fixture
def plant(tmp_path):
    made = []

    def make(near_the_wrap=500_000_000):
        made.append(Plant(tmp_path, near_the_wrap))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def monitor(monkeypatch):
    """Made while a thread moves the plant on, as power goes on while a monitor looks for its meters."""
    made = []

    def make(plant):
        monkeypatch.setattr("time.sleep", lambda _: plant.run(0.3))
        monkeypatch.setattr("collector_core.measure.sources.GAP_SECONDS", 0.05)
        made.append(EnergyMonitor("hardware", root=plant.tree.root, clock=plant.clock))
        monkeypatch.undo()
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("seconds", [0.5, 7.3, 61.0])
def test_energy_is_within_half_a_percent_of_the_truth_over_wraps_and_jitter(plant, monitor, seconds):
    plant = plant()
    monitor = monitor(plant)
    wrapped = False
    for _ in range(3):
        begin, raw = plant.clock.monotonic(), plant.tree.zones["intel-rapl:0"].raw
        with monitor.measure() as m:
            plant.run(seconds)
        wrapped |= plant.tree.zones["intel-rapl:0"].raw < raw
        assert m.problems == ()
        assert m.energy_joules == pytest.approx(plant.truth(begin, plant.clock.monotonic()), rel=0.005)
        assert m.duration_seconds == pytest.approx(seconds)
    assert wrapped or seconds < 7


def test_a_process_that_was_suspended_finds_the_energy_of_its_sleep(plant, monitor):
    plant = plant()
    monitor = monitor(plant)
    begin = plant.clock.monotonic()
    with monitor.measure() as m:
        plant.run(1.0)
        with plant.changed:
            plant.move(90.0)
        plant.run(1.0)
    assert m.energy_joules == pytest.approx(plant.truth(begin, plant.clock.monotonic()), rel=0.005)


def test_a_sleep_in_which_a_counter_may_have_wrapped_twice_is_unknown(plant, monitor):
    plant = plant()
    monitor = monitor(plant)
    with monitor.measure() as m:
        plant.run(1.0)
        with plant.changed:
            plant.move(2000.0)
        plant.run(1.0)
    assert m.energy_joules is None
    assert len(m.problems) == 4
    assert m.problems[0] == "cpu package-0 (rapl): its energy was unknown for some of the time"
