"""Counters read again and again through a directory that is kept open."""

import shutil
import threading
from pathlib import Path

import pytest

from collector_plugins.rapl.counterfile import CounterFile
from collector_plugins.rapl.meter import Meter


@pytest.fixture
def zone(rig):
    rig.tree.add("intel-rapl:0", "package-0", 100.0, start=1_000_000)
    rig.open()
    return rig.collector._zones["intel-rapl:0"]


def open_directories():
    return sum(link.is_dir() for link in Path("/proc/self/fd").iterdir())


def test_a_replaced_file_and_a_replaced_directory_are_seen(rig, zone):
    counter = CounterFile()
    assert counter.read(zone.energy_file) == 1_000_000
    rig.tree.zones["intel-rapl:0"].set(2_000_000)
    assert counter.read(zone.energy_file) == 2_000_000
    rig.tree.remove("intel-rapl:0")
    with pytest.raises(FileNotFoundError):
        counter.read(zone.energy_file)
    rig.tree.add("intel-rapl:0", "package-0", start=3_000_000)
    assert counter.read(zone.energy_file) == 3_000_000


@pytest.mark.parametrize("content", [b"", b"x", b"-1", b"1" * 21, b"1 2", b"9" * 4000])
def test_what_is_no_number_is_refused(tmp_path, content):
    (tmp_path / "energy_uj").write_bytes(content)
    with pytest.raises(ValueError, match="energy_uj"):
        CounterFile().read(tmp_path / "energy_uj")


def test_closing_lets_go_of_the_directory_and_the_next_read_opens_it_again(zone):
    before = open_directories()
    counter = CounterFile()
    counter.read(zone.energy_file)
    assert open_directories() == before + 1
    counter.close()
    counter.close()
    assert open_directories() == before
    assert counter.read(zone.energy_file) == 1_000_000
    counter.close()


def test_a_collector_that_is_closed_keeps_nothing_open(rig):
    rig.tree.add("intel-rapl:0", "package-0", 100.0)
    before = open_directories()
    rig.open()
    assert open_directories() == before + 1
    rig.collector.close()
    assert open_directories() == before
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
    meter, threads, failures = Meter(zone), [], []
    meter.read(zone, rig.clock)

    def read():
        for _ in range(300):
            try:
                meter.measure(zone, rig.clock)
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
    assert meter.measure(zone, rig.clock) == (pytest.approx(0.4), rig.clock.monotonic(), 0)
    assert failures == []
