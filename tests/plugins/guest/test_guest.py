"""What a guest is told by its host, by each of the three ways, and what happens where the host falls silent."""

from __future__ import annotations

import contextlib
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import NotAvailable
from collector_core.metering import Ledger
from collector_core.testing import FakeClock, serve_routes
from collector_plugins.estimate import Estimate
from collector_plugins.guest import Guest, metrics
from collector_plugins.guest.config import Config
from collector_plugins.guest.sources import parse


class Host:
    """Writes what the host tells into a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir()
        self.told = {
            "guest": "web",
            "source": "a",
            "time": 0.0,
            "interval": 5.0,
            "joules": {"cpu": 1000.0, "dram": 50.0},
        }

    def tell(self, seconds=0.0, **changes):
        self.told |= {"time": self.told["time"] + seconds, **changes}
        (self.folder / "reading.json").write_text(json.dumps(self.told))


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path / "share")


@pytest.fixture
def guest(host, tmp_path, collector_harness):
    return collector_harness(Guest, tmp_path, folder="/share")


def power(guest, component="cpu"):
    return guest.value(metrics.POWER, component=component)


def energy(guest, component="cpu"):
    return guest.value(metrics.ENERGY, component=component)


def is_up(guest):
    return guest.value(metrics.UP) == 1


def test_joules_begin_at_zero_and_power_is_that_of_the_hosts_clock(host, guest):
    host.tell()
    guest.run()
    assert (energy(guest), power(guest)) == (0, None)
    host.tell(5, joules={"cpu": 1100.0, "dram": 55.0})
    guest.run(advance=7)  # a reading is seen a little later
    assert (energy(guest), power(guest)) == (100, 20)
    assert (energy(guest, "dram"), power(guest, "dram")) == (5, 1)
    assert guest.series(metrics.INFO) == {("web", "folder"): 1}


def test_a_host_that_is_gone_is_absent_and_never_a_frozen_number(host, guest):
    host.tell()
    guest.run()
    host.tell(5, joules={"cpu": 1100.0})
    guest.run(advance=5)
    guest.run(advance=14)
    assert power(guest) == 20, "for three intervals"
    guest.run(advance=2)
    assert (is_up(guest), power(guest), energy(guest)) == (False, None, None)
    assert "told nothing for 16 s" in str(guest.part_failures[0].error)
    assert guest.collector.collector_energy_meters() == ()
    host.tell(60, joules={"cpu": 2300.0})
    guest.run(advance=44)
    assert (is_up(guest), energy(guest), power(guest)) == (True, 1300, 20)


def test_a_first_reading_that_waited_since_the_machine_started_counts_nothing_of_before(host, guest):
    host.tell()
    guest.run()
    host.tell(3600, joules={"cpu": 90_000.0, "dram": 3000.0})
    guest.run(advance=2)
    assert (energy(guest), power(guest), energy(guest, "dram")) == (0, None, 0)
    host.tell(5, joules={"cpu": 90_050.0, "dram": 3010.0})
    guest.run(advance=5)
    assert (energy(guest), power(guest), energy(guest, "dram")) == (50, 10, 10)
    host.tell(3600, joules={"cpu": 90_410.0, "dram": 3020.0})  # the machine was paused
    guest.run(advance=5)
    assert energy(guest) == 410


def test_a_count_of_another_host_adds_nothing(host, guest):
    host.tell()
    guest.run()
    host.tell(5, joules={"cpu": 1100.0})
    guest.run(advance=5)
    host.tell(5, source="b", joules={"cpu": 90_000.0})
    guest.run(advance=5)
    assert (energy(guest), power(guest)) == (100, None)
    assert guest.value(metrics.UNKNOWN_GAPS, component="cpu") == 1
    host.tell(5, joules={"cpu": 90_050.0})
    guest.run(advance=5)
    assert (energy(guest), power(guest)) == (150, 10)


@pytest.mark.parametrize("joules", [900.0, 1e12])
def test_a_count_that_falls_or_leaps_adds_nothing(host, guest, joules):
    host.tell()
    guest.run()
    host.tell(5, joules={"cpu": joules})
    guest.run(advance=5)
    assert (energy(guest), power(guest)) == (0, None)
    host.tell(5, joules={"cpu": joules + 50})
    guest.run(advance=5)
    assert energy(guest) == 50


def test_a_host_that_starts_anew_with_its_clock_loses_no_joule(host, guest):
    host.tell(1000)
    guest.run()
    host.tell(-995, joules={"cpu": 1100.0})
    guest.run(advance=5)
    assert (energy(guest), power(guest)) == (100, 20)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"joules": {"cpu": -1}}', '{"joules": {"cpu": "NaN"}}', "\xff"])
def test_nonsense_is_a_failed_part_and_no_number(host, guest, text):
    host.tell()
    guest.run()
    (host.folder / "reading.json").write_bytes(text.encode("latin-1"))
    guest.run(advance=1)
    assert not is_up(guest)
    assert "reading.json" in str(guest.part_failures[0].error)
    host.tell(5, joules={"cpu": 1100.0})
    guest.run(advance=4)
    assert energy(guest) == 100


@given(st.binary(max_size=200))
def test_whatever_a_host_sends_is_read_or_refused(content):
    with contextlib.suppress(ValueError):
        assert all(joules >= 0 for joules in parse(content).joules.values())


def test_zones_of_another_program_are_read_too(tmp_path, collector_harness):
    def write(zone, name, microjoules):
        (tmp_path / "share" / zone).mkdir(parents=True, exist_ok=True)
        (tmp_path / "share" / zone / "name").write_text(name)
        (tmp_path / "share" / zone / "energy_uj").write_text(str(microjoules))

    guest = collector_harness(Guest, tmp_path, folder="/share")
    for run in range(2):
        write("intel-rapl:0", "package-0", 1_000_000 + run * 50_000_000)
        write("intel-rapl:1", "package-1", run * 50_000_000)
        write("intel-rapl:0:0", "dram", run * 5_000_000)
        write("intel-rapl:0:1", "core", run * 1_000_000)
        guest.run(advance=5)
    assert (energy(guest), power(guest)) == (100, 20)
    assert energy(guest, "dram") == 5


def test_lines_of_a_port_are_read_without_waiting(tmp_path, collector_harness):
    os.mkfifo(tmp_path / "port")
    guest = collector_harness(Guest, tmp_path, port="/port")
    guest.run()
    assert not is_up(guest), "nothing has come"
    writer = os.open(tmp_path / "port", os.O_WRONLY)
    lines = [json.dumps({"time": time, "joules": {"cpu": 10.0 * time}}).encode() + b"\n" for time in (5, 10, 15)]
    os.write(writer, b"0.0}}\n" + lines[0][:10])
    guest.run(advance=1)
    os.write(writer, lines[0][10:])
    guest.run(advance=1)
    assert energy(guest) == 0
    os.write(writer, lines[1] + lines[2])
    guest.run(advance=5)
    assert (energy(guest), power(guest)) == (100, 10)
    os.close(writer)
    guest.run(advance=20)
    assert not is_up(guest)


async def test_the_host_pushes_with_a_token(tmp_path):
    ctx_clock = FakeClock()
    from collector_core.testing.harness import Harness

    harness = Harness(Guest, tmp_path, clock=ctx_clock, push={"token": "secret"})
    async with serve_routes(harness.collector.collector_routes()) as session:
        body = {"guest": "web", "source": "a", "time": 1.0, "joules": {"cpu": 5.0}}
        refused = await session.post("/api/v1/push/guest/host", json=body, headers={"Authorization": "Bearer wrong"})
        unknown = await session.post("/api/v1/push/guest/other", json=body)
        taken = await session.post("/api/v1/push/guest/host", json=body, headers={"Authorization": "Bearer secret"})
        nonsense = await session.post("/api/v1/push/guest/host", json={"joules": {"cpu": -1}})
    assert (refused.status, unknown.status, taken.status, nonsense.status) == (401, 404, 202, 400)
    assert harness.collector._source.read().joules == {"cpu": 5.0}


def test_the_ledger_takes_the_meter_and_no_model_beside_it(host, tmp_path, collector_harness):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text("cpu  100 0 0 100 0 0 0 0 0 0\ncpu0 100 0 0 100 0 0 0 0 0 0\n")
    clock = FakeClock()
    guest = collector_harness(Guest, tmp_path, clock=clock, folder="/share")
    estimate = collector_harness(Estimate, tmp_path, clock=clock)
    ledger, counted = Ledger(), {}
    for run in range(3):
        host.tell(5, joules={"cpu": 1000.0 + 100 * run})
        guest.run(advance=5)
        estimate.run()
        meters = [*guest.collector.collector_energy_meters(), *estimate.collector.collector_energy_meters()]
        for account, joules in ledger.update(meters, clock.monotonic()).items():
            counted[account] = counted.get(account, 0.0) + joules
    assert {tuple(account): joules for account, joules in counted.items() if joules and account.component == "cpu"} == {
        ("cpu", "guest", "host_share"): 200
    }


def test_energy_of_the_whole_host_covers_its_parts(host, guest):
    host.tell(joules={"host": 5.0})
    guest.run()
    (meter,) = guest.collector.collector_energy_meters()
    assert (meter.component, meter.covers) == ("host", {"cpu", "dram"})


def test_where_no_host_tells_anything_it_says_what_to_do(tmp_path, collector_harness):
    with pytest.raises(NotAvailable) as refused:
        collector_harness(Guest, tmp_path).run()
    assert "README" in refused.value.fix


def test_one_way_is_enough():
    with pytest.raises(ValidationError, match="one of folder, port and push"):
        Config(folder="/a", port="/b")
