"""A zone's counter, read again and again."""

import shutil
import threading
from pathlib import Path

import pytest

from collector_core.energy import EnergyMonitor
from collector_plugins.rapl.meter import Meter


@pytest.fixture
def zone(rig):
    rig.tree.add("intel-rapl:0", "package-0", 100.0, start=1_000_000)
    rig.open()
    return rig.collector._zones["intel-rapl:0"]


def counters_open():
    """Files of zones that are open, such included that were replaced meanwhile."""
    return sum("energy_uj" in str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink())


def test_a_replaced_counter_and_a_zone_that_comes_back_are_seen(rig, zone):
    meter = Meter(zone, is_kernels=False)
    assert meter.read(rig.clock).raw == 1_000_000
    rig.tree.zones["intel-rapl:0"].set(2_000_000)
    assert meter.read(rig.clock).raw == 2_000_000
    rig.tree.remove("intel-rapl:0")
    with pytest.raises(FileNotFoundError):
        meter.read(rig.clock)
    rig.tree.add("intel-rapl:0", "package-0", start=3_000_000)
    assert meter.read(rig.clock).raw == 3_000_000
    meter.close()


@pytest.mark.parametrize("content", ["", "x", "-1", "1" * 21, "1 2", "9" * 4000])
def test_what_is_no_number_is_refused(rig, zone, content):
    zone.energy_file.write_text(content)
    with pytest.raises(ValueError, match="energy_uj"):
        Meter(zone, is_kernels=False).read(rig.clock)


def test_a_collector_that_is_closed_keeps_nothing_open(rig):
    rig.tree.add("intel-rapl:0", "package-0", 100.0)
    before = counters_open()
    rig.open()
    assert counters_open() == before + 1
    rig.collector.close()
    assert counters_open() == before
    assert rig.step().failures == {}
    rig.collector.close()


def test_an_energy_meter_reads_now_and_says_what_is_unknown(rig):
    rig.tree.add("intel-rapl:0", "package-0", 100.0)
    rig.open()
    rig.step()
    (meter,) = rig.collector.collector_energy_meters()
    rig.tree.advance(1.0)
    rig.clock.advance(1.0)
    assert meter.latest().joules == pytest.approx(100.0)
    assert meter.read() == (pytest.approx(200.0), rig.clock.monotonic(), 0)
    rig.clock.advance(100_000.0)
    assert meter.read() == (pytest.approx(200.0), rig.clock.monotonic(), 1), "it may have wrapped unseen"


def test_readings_on_many_threads_add_up(rig, zone):
    meter, threads, failures = Meter(zone, is_kernels=False), [], []
    meter.read(rig.clock)

    def read():
        for _ in range(300):
            try:
                meter.measure(rig.clock)
            except (OSError, ValueError) as error:
                failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    counter = zone.energy_file
    for raw in range(1_001_000, 1_401_000, 1000):
        new = counter.with_name("new")
        new.write_text(f"{raw}\n")
        shutil.move(new, counter)
    for thread in threads:
        thread.join()
    assert meter.measure(rig.clock) == (pytest.approx(0.4), rig.clock.monotonic(), 0)
    assert failures == []


@pytest.mark.parametrize("false", [700_000_000, 55_000_000, -694_000_000])
def test_what_is_measured_has_no_part_of_a_jump_that_is_taken_back(rig, monkeypatch, false):
    monkeypatch.setattr("collector_core.measure.sampler.INTERVAL_SECONDS", 3600.0)
    zone = rig.tree.add("intel-rapl:0", "package-0", 6.0, start=20_000_000_000, limits={"long_term": 54.0})
    rig.open()
    rig.step()
    rig.step()
    monitor = EnergyMonitor("hardware", meters=rig.collector.collector_energy_meters(), clock=rig.clock)

    def go_on(seconds):
        rig.tree.advance(seconds)
        rig.clock.advance(seconds)

    with monitor.measure() as m:
        go_on(5.0)
        monitor.sample()
        zone.set(zone.raw + false)
        monitor.sample()
        zone.set(zone.raw - false)
        go_on(5.0)
    monitor.close()
    assert m.problems == ()
    assert m.energy_joules == pytest.approx(60.0)


def test_what_is_measured_has_no_part_of_what_was_drawn_before(rig, monkeypatch):
    monkeypatch.setattr("collector_core.measure.sampler.INTERVAL_SECONDS", 3600.0)
    zone = rig.tree.add("intel-rapl:0", "package-0", 6.0, limits={"long_term": 54.0})
    rig.open()
    rig.step()

    def go_on(seconds):
        rig.tree.advance(seconds)
        rig.clock.advance(seconds)

    monkeypatch.setattr("time.sleep", go_on)
    monitor = EnergyMonitor("hardware", meters=rig.collector.collector_energy_meters(), clock=rig.clock)
    zone.watts = 50.0
    go_on(20.0)
    with monitor.measure() as m:
        go_on(5.0)
    monitor.close()
    assert m.problems == ()
    assert m.energy_joules == pytest.approx(250.0, rel=0.01)
