"""Energy and power of each zone: wraps, resets, gaps and broken reads."""

from __future__ import annotations

import errno
import logging
import os

import pytest

from collector_core import NotAvailable
from collector_plugins.rapl import ENERGY, POWER, POWER_LIMIT, UNKNOWN_GAPS, ZONE

INTEL = 262_143_328_850


def test_every_zone_reports_its_joules_and_watts_under_its_own_labels(two_sockets):
    two_sockets.open()
    run = two_sockets.step(10.0)
    assert run.failures == {}
    assert run.families[ENERGY] == pytest.approx(
        {
            ("0", "package-0", "intel-rapl:0"): 1400.0,
            ("0", "core", "intel-rapl:0:0"): 840.0,
            ("0", "dram", "intel-rapl:0:1"): 180.0,
            ("1", "package-1", "intel-rapl:1"): 1200.0,
            ("1", "core", "intel-rapl:1:0"): 720.0,
            ("1", "dram", "intel-rapl:1:1"): 160.0,
            ("", "psys", "intel-rapl:2"): 3600.0,
            ("0", "package-0", "intel-rapl-mmio:0"): 1400.0,
            ("1", "package-1", "intel-rapl-mmio:1"): 1200.0,
            ("0", "dram", "intel-rapl-mmio:0:0"): 180.0,
        }
    )
    assert run.by_path(POWER)["intel-rapl:1"] == pytest.approx(120.0)
    assert run.by_path(POWER) == pytest.approx({path: zone.watts for path, zone in two_sockets.tree.zones.items()})


def test_power_is_the_mean_since_the_previous_run_not_since_the_start(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 100.0)
    rig.open()
    rig.step(4.0)
    zone.watts = 30.0
    run = rig.step(2.0)
    assert run.by_path(POWER) == pytest.approx({"intel-rapl:0": 30.0})
    assert run.by_path(ENERGY) == pytest.approx({"intel-rapl:0": 460.0})


def test_the_first_run_knows_no_energy_yet(two_sockets):
    run = two_sockets.open()
    assert ENERGY not in run.families
    assert POWER not in run.families
    assert set(run.by_path(UNKNOWN_GAPS).values()) == {0.0}


def test_a_counter_that_never_moved_has_no_data_until_it_does(rig):
    rig.tree.add("intel-rapl:0", "package-0", 100.0)
    dead = rig.tree.add("intel-rapl:0:0", "dram", 0.0)
    rig.open()
    for _ in range(3):
        run = rig.step()
    assert run.by_path(ENERGY) == pytest.approx({"intel-rapl:0": 300.0})
    assert set(run.by_path(POWER)) == {"intel-rapl:0"}
    dead.watts = 5.0
    assert rig.step().by_path(ENERGY)["intel-rapl:0:0"] == pytest.approx(5.0)
    dead.watts = 0.0
    run = rig.step()
    assert run.by_path(ENERGY)["intel-rapl:0:0"] == pytest.approx(5.0)
    assert run.by_path(POWER)["intel-rapl:0:0"] == 0.0


@pytest.mark.parametrize("left", [0, 1, 999_999, 70_000_000, 139_999_999, 140_000_000, 140_000_001, 699_000_000])
def test_a_wrap_at_any_position_is_added_once(rig, left):
    rig.tree.add("intel-rapl:0", "package-0", 140.0, start=INTEL - left)
    rig.open()
    for _ in range(10):
        run = rig.step()
        assert run.by_path(POWER) == pytest.approx({"intel-rapl:0": 140.0})
    assert run.by_path(ENERGY) == {"intel-rapl:0": 1400.0}
    assert run.by_path(UNKNOWN_GAPS) == {"intel-rapl:0": 0.0}


def test_a_turbo_far_above_the_limit_counts_over_a_wrap_too(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 40.0, start=INTEL - 400_000_000, limits={"long_term": 150.0})
    child = rig.tree.add("intel-rapl:0:0", "dram", 4.0, start=65_712_999_612, maximum=65_712_999_613)
    rig.open()
    rig.step()
    zone.watts, child.watts = 450.0, 60.0
    for _ in range(2):
        run = rig.step()
    assert run.by_path(ENERGY) == pytest.approx({"intel-rapl:0": 940.0, "intel-rapl:0:0": 124.0})
    assert run.by_path(POWER) == pytest.approx({"intel-rapl:0": 450.0, "intel-rapl:0:0": 60.0})


def test_a_reset_is_a_gap_without_energy_and_without_power(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 100.0, start=90_000_000_000)
    rig.open()
    rig.step()
    zone.set(0)
    run = rig.step()
    assert run.by_path(ENERGY) == {"intel-rapl:0": 100.0}
    assert POWER not in run.families
    run = rig.step()
    assert run.by_path(ENERGY) == {"intel-rapl:0": 200.0}
    assert run.by_path(UNKNOWN_GAPS) == {"intel-rapl:0": 1.0}
    assert run.by_path(POWER) == {"intel-rapl:0": 100.0}


def jumps(rig, zones, false, seconds=12):
    """Watts of each run; the counters of `zones` are off by so many joules at every fifth reading."""
    seen = []
    for second in range(seconds):
        for zone in zones:
            zone.set(zone.raw + int(false * 1e6) * (second % 5 == 3))
        run = rig.step()
        for zone in zones:
            zone.set(zone.raw - int(false * 1e6) * (second % 5 == 3))
        seen += run.by_path(POWER).values()
    return rig.step(), max(seen)


@pytest.mark.parametrize(
    "limits", [{}, {"long_term": 54.0}, {"long_term": 3408.0}, {"long_term": 54.0, "short": 3408.0}]
)
@pytest.mark.parametrize("false", [700.0, 90.0, -694.0, -19_000.0])
def test_a_counter_that_jumps_and_returns_gives_what_was_drawn(rig, limits, false):
    zone = rig.tree.add("intel-rapl:0", "package-0", 6.0, start=20_000_000_000, limits=limits)
    memory = rig.tree.add("intel-rapl:0:0", "dram", 2.0, start=20_000_000_000)
    core = rig.tree.add("intel-rapl:0:1", "core", 1.0, start=20_000_000_000)
    rig.open()
    run, highest = jumps(rig, [zone, memory, core], false)
    joules = {"intel-rapl:0": 78.0, "intel-rapl:0:0": 26.0, "intel-rapl:0:1": 13.0}
    assert run.by_path(ENERGY) == pytest.approx(joules)
    assert highest == pytest.approx(6.0)
    assert set(run.by_path(UNKNOWN_GAPS).values()) == {0.0}


def test_a_first_reading_that_was_too_low_adds_nothing(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 6.0, start=20_000_000_000, limits={"long_term": 54.0})
    rig.open()
    zone.set(zone.raw + 700_000_000)
    for _ in range(5):
        run = rig.step()
    assert run.by_path(ENERGY) == pytest.approx({"intel-rapl:0": 24.0})
    assert run.by_path(UNKNOWN_GAPS) == {"intel-rapl:0": 1.0}


def processor(rig, name):
    """A machine that calls its processor so."""
    (rig.tree.root / "proc").mkdir()
    cpu = f"processor : {{}}\nmodel name : {name}\nphysical id : 0\ncore id : {{}}\n\n"
    (rig.tree.root / "proc/cpuinfo").write_text("".join(cpu.format(number, number) for number in range(8)))


@pytest.mark.parametrize("limits", [{}, {"long_term": 1704.0}, {"long_term": 3408.0}])
@pytest.mark.parametrize("name", ["AMD Ryzen 7 7840HS w/ Radeon 780M Graphics", "13th Gen Intel(R) Core(TM) i7-1360P"])
def test_without_a_sane_limit_the_tdp_bounds_what_a_processor_can_draw(rig, name, limits):
    processor(rig, name)
    zone = rig.tree.add("intel-rapl:0", "package-0", 6.0, start=20_000_000_000, limits=limits)
    rig.open()
    rig.step()
    zone.set(zone.raw + 400_000_000)
    for _ in range(4):
        run = rig.step()
    assert run.by_path(ENERGY) == pytest.approx({"intel-rapl:0": 24.0})
    assert run.by_path(UNKNOWN_GAPS) == {"intel-rapl:0": 1.0}
    zone.watts = 70.0
    for _ in range(4):
        run = rig.step()
    assert run.by_path(ENERGY) == pytest.approx({"intel-rapl:0": 24.0 + 280.0})
    assert run.by_path(POWER) == pytest.approx({"intel-rapl:0": 70.0})


def test_an_energy_meter_says_the_most_that_its_zone_may_draw(rig):
    rig.tree.add("intel-rapl:0", "package-0", 60.0, limits={"long_term": 54.0})
    rig.open()
    rig.step()
    (meter,) = rig.collector.collector_energy_meters()
    assert meter.max_watts == 216.0


def test_energy_meters_are_the_same_objects_until_something_about_them_changes(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 60.0, limits={"long_term": 54.0})
    rig.open()
    rig.step()
    rig.step()
    before = rig.collector.collector_energy_meters()
    rig.step()
    assert rig.collector.collector_energy_meters() is before

    zone.watts = 240.0
    for _ in range(4):
        rig.step()
    assert rig.collector.collector_energy_meters()[0].max_watts > before[0].max_watts


def test_after_a_long_sleep_the_energy_between_is_unknown(rig):
    rig.tree.add("intel-rapl:0", "package-0", 10.0, limits={"long_term": 150.0})
    rig.open()
    rig.step()
    run = rig.step(8 * 3600.0)
    assert run.by_path(ENERGY) == {"intel-rapl:0": 10.0}
    assert run.by_path(UNKNOWN_GAPS) == {"intel-rapl:0": 1.0}
    assert POWER not in run.families
    assert rig.step().by_path(POWER) == pytest.approx({"intel-rapl:0": 10.0})


def test_the_trusted_time_follows_the_power_limit_of_the_zone_or_of_its_parent(rig):
    rig.tree.add("intel-rapl:0", "package-0", 1.0, limits={"long_term": 100.0, "short_term": 1310.0})
    rig.tree.add("intel-rapl:0:0", "dram", 1.0)
    rig.tree.add("intel-rapl:1", "package-1", 1.0)
    low = rig.tree.add("intel-rapl:2", "package-2", 1.0, limits={"peak_power": 4095.875})
    low.write("constraint_0_max_power_uw", "50000000\n")
    rig.open()
    assert set(rig.step(99.0).by_path(UNKNOWN_GAPS).values()) == {0.0}
    gaps = rig.step(101.0).by_path(UNKNOWN_GAPS)  # half of 262 kJ takes 100 s at 1310 W, 262 s at 500 W
    assert gaps == {"intel-rapl:0": 1.0, "intel-rapl:0:0": 1.0, "intel-rapl:1": 0.0, "intel-rapl:2": 0.0}
    gaps = rig.step(263.0).by_path(UNKNOWN_GAPS)
    assert gaps == {"intel-rapl:0": 2.0, "intel-rapl:0:0": 2.0, "intel-rapl:1": 1.0, "intel-rapl:2": 0.0}


def test_the_trusted_time_follows_a_limit_that_is_raised(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 1.0, limits={"long_term": 100.0})
    rig.open()
    zone.write("constraint_0_power_limit_uw", "1310000000\n")
    rig.step(11.0)
    assert rig.step(101.0).by_path(UNKNOWN_GAPS) == {"intel-rapl:0": 1.0}


def test_without_a_maximum_a_rise_counts_and_a_fall_does_not(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 50.0, maximum=None)
    also = rig.tree.add("intel-rapl:1", "package-1", 50.0)
    also.write("max_energy_range_uj", "0\n")
    rig.open()
    rig.step()
    zone.set(0)
    also.set(0)
    run = rig.step()
    assert set(run.by_path(ENERGY).values()) == {50.0}
    run = rig.step()
    assert set(run.by_path(ENERGY).values()) == {100.0}
    assert set(run.by_path(UNKNOWN_GAPS).values()) == {1.0}


def test_an_io_error_costs_one_zone_and_no_energy(two_sockets):
    two_sockets.open()
    two_sockets.tree.break_with_eio("intel-rapl:1")
    run = two_sockets.step()
    assert set(run.failures) == {"intel-rapl:1"}
    assert run.failures["intel-rapl:1"].errno == errno.EIO
    assert len(run.by_path(ENERGY)) == 9
    two_sockets.step()
    two_sockets.tree.repair("intel-rapl:1")
    run = two_sockets.step()
    assert run.failures == {}
    assert run.by_path(ENERGY)["intel-rapl:1"] == pytest.approx(360.0)
    assert run.by_path(POWER)["intel-rapl:1"] == pytest.approx(120.0)


@pytest.mark.parametrize(
    "content",
    ["", "\n", "n/a\n", "-5\n", "1e9\n", "0x10\n", "12 34\n", "1_000\n", "١٢\n", b"\xff\xfe\0", "9" * 30, "9" * 5000],
)
def test_garbage_costs_one_zone_for_one_run(two_sockets, content):
    two_sockets.open()
    two_sockets.step()
    two_sockets.tree.zones["intel-rapl:0"].write("energy_uj", content)
    run = two_sockets.run()
    assert set(run.failures) == {"intel-rapl:0"}
    assert isinstance(run.failures["intel-rapl:0"], ValueError)
    assert set(run.by_path(ENERGY)) == set(two_sockets.tree.zones) - {"intel-rapl:0"}
    assert two_sockets.step().by_path(ENERGY)["intel-rapl:0"] == pytest.approx(280.0)


def test_a_reading_beyond_the_range_is_refused(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 100.0)
    rig.tree.add("intel-rapl:1", "package-1", 100.0)
    rig.open()
    zone.write("energy_uj", f"{INTEL + 1}\n")
    assert set(rig.run().failures) == {"intel-rapl:0"}
    assert rig.step().by_path(ENERGY) == {"intel-rapl:0": 100.0, "intel-rapl:1": 100.0}


def test_a_vanished_counter_file_is_a_failure_of_its_zone(two_sockets):
    two_sockets.open()
    (two_sockets.tree.zones["intel-rapl:0"].directory / "energy_uj").unlink()
    for _ in range(3):
        two_sockets.clock.advance(6.0)
        run = two_sockets.run()
        assert isinstance(run.failures["intel-rapl:0"], FileNotFoundError)
        assert len(run.by_path(ZONE)) == 9


def test_zones_that_vanish_and_return_keep_their_joules(two_sockets):
    rig = two_sockets
    rig.open()
    rig.step(10.0)
    rig.tree.remove("intel-rapl:1")
    run = rig.step()
    assert run.failures == {}
    assert not {"intel-rapl:1", "intel-rapl:1:0", "intel-rapl:1:1"} & set(run.by_path(ENERGY))
    rig.tree.add("intel-rapl:1", "package-1", 120.0, start=7_000_000)
    run = rig.step()
    assert run.by_path(ENERGY)["intel-rapl:1"] == pytest.approx(1200.0)
    assert "intel-rapl:1" not in run.by_path(POWER)
    assert run.by_path(UNKNOWN_GAPS)["intel-rapl:1"] == 1.0
    assert rig.step().by_path(ENERGY)["intel-rapl:1"] == pytest.approx(1320.0)


def test_what_a_zone_used_while_it_was_gone_is_unknown_even_if_its_counter_went_on(rig):
    rig.tree.add("intel-rapl:0", "package-0", 100.0)
    rig.tree.add("intel-rapl:1", "package-1", 100.0)
    rig.open()
    raw = rig.tree.zones["intel-rapl:1"].raw
    rig.tree.remove("intel-rapl:1")
    rig.step()
    rig.tree.add("intel-rapl:1", "package-1", 0.0, start=raw + 50_000_000)
    for _ in range(2):
        run = rig.step()
        assert "intel-rapl:1" not in run.by_path(ENERGY)
        assert run.by_path(UNKNOWN_GAPS)["intel-rapl:1"] == 1.0


def test_a_range_that_is_unreadable_for_a_while_is_remembered(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 100.0, start=INTEL - 1_150_000_000)
    rig.open()
    zone.write("max_energy_range_uj", "")
    rig.step(11.0)
    assert rig.step().by_path(ENERGY) == {"intel-rapl:0": 1200.0}


def test_a_range_that_changes_starts_a_fresh_baseline(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 100.0, start=INTEL - 1)
    rig.open()
    zone.maximum = 65_712_999_613
    zone.write("max_energy_range_uj", f"{zone.maximum}\n")
    zone.set(zone.maximum - 100_000_000)
    rig.clock.advance(11.0)
    run = rig.run()
    assert (run.failures, run.by_path(UNKNOWN_GAPS)) == ({}, {"intel-rapl:0": 1.0})
    assert rig.step().by_path(ENERGY) == {"intel-rapl:0": 100.0}


def test_all_zones_gone_is_not_available_and_their_return_goes_on(rig):
    rig.tree.add("intel-rapl:0", "package-0", 100.0)
    rig.open()
    rig.step()
    rig.tree.remove("intel-rapl:0")
    with pytest.raises(NotAvailable, match="no zone that counts energy"):
        rig.step()
    rig.collector.close()
    rig.tree.add("intel-rapl:0", "package-0", 100.0, start=5)
    rig.open()
    assert rig.step().by_path(ENERGY) == {"intel-rapl:0": 200.0}


def test_a_zone_that_appears_later_is_read_from_then_on(rig):
    rig.tree.add("intel-rapl:0", "package-0", 100.0)
    rig.open()
    rig.tree.add("intel-rapl:0:0", "dram", 10.0)
    rig.step()
    assert rig.step().by_path(ENERGY) == {"intel-rapl:0": 200.0, "intel-rapl:0:0": 10.0}


def test_another_package_behind_the_same_path_is_another_series(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 100.0)
    rig.open()
    rig.step()
    zone.write("name", "package-1\n")
    rig.step(10.0)
    run = rig.step()
    assert run.families[ENERGY] == {("1", "package-1", "intel-rapl:0"): 100.0}


def test_limits_are_published_in_watts_and_followed(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 100.0, limits={"long_term": 125.5, "short_term": 0.0})
    assert rig.open().families[POWER_LIMIT] == {("0", "package-0", "intel-rapl:0", "long_term"): 125.5}
    zone.write("constraint_0_power_limit_uw", "90000000\n")
    rig.step(11.0)
    assert rig.step().by_path(POWER_LIMIT) == {"intel-rapl:0": 90.0}


def test_a_limit_that_cannot_be_read_costs_nothing_else(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 100.0, limits={"long_term": 125.0, "short_term": 150.0})
    zone.write("constraint_0_power_limit_uw", "what\n")
    (zone.directory / "constraint_1_name").unlink()
    run = rig.open()
    assert run.failures == {}
    assert run.families[POWER_LIMIT] == {("0", "package-0", "intel-rapl:0", "constraint_1"): 150.0}


def test_two_constraints_of_one_name_do_not_clash(rig):
    zone = rig.tree.add("intel-rapl:0", "package-0", 100.0, limits={"long_term": 125.0, "short_term": 150.0})
    zone.write("constraint_1_name", "long_term\n")
    run = rig.open()
    assert run.failures == {}
    assert run.by_path(POWER_LIMIT) == {"intel-rapl:0": 125.0}


def test_a_zone_without_a_readable_name_fails_with_all_below_it(two_sockets):
    two_sockets.tree.zones["intel-rapl:1"].write("name", "\n")
    run = two_sockets.open()
    assert set(run.failures) == {"intel-rapl:1", "intel-rapl:1:0", "intel-rapl:1:1"}
    assert len(run.by_path(ZONE)) == 7


def test_a_stray_file_is_no_zone(two_sockets):
    (two_sockets.tree.by_class / "intel-rapl:9").write_text("")
    assert two_sockets.open().failures == {}


def test_a_name_too_long_for_a_label_costs_one_zone(two_sockets):
    two_sockets.tree.zones["intel-rapl:2"].write("name", "x" * 3000)
    assert set(two_sockets.open().failures) == {"intel-rapl:2"}


def test_too_long_an_interval_is_warned_of_once(two_sockets, caplog):
    collector = two_sockets.new_collector(interval=200.0)
    with caplog.at_level(logging.WARNING):
        collector.open()
        collector.open()
    assert [record.getMessage() for record in caplog.records if "intel-rapl:0:1 " in record.getMessage()] == [
        "intel-rapl:0:1 (dram) counts to 65713 J, which takes 365 s at 180 W: with an interval of 200 s a wrap can "
        "pass unseen; set `interval: 121s` or less"
    ]
    assert not [record for record in caplog.records if "intel-rapl:0 " in record.getMessage()]


def test_the_default_interval_needs_no_warning(two_sockets, caplog):
    two_sockets.open()
    assert caplog.records == []


def test_closing_is_idempotent_and_legal_without_opening(rig):
    rig.collector.close()
    rig.collector.close()


@pytest.mark.parametrize("file", ["energy_uj", "max_energy_range_uj", "constraint_0_power_limit_uw"])
def test_a_file_that_would_block_from_the_start_costs_its_zone_at_most(two_sockets, file):
    """A pipe without a writer blocks whoever opens it."""
    zones = two_sockets.tree.zones
    zone = zones["intel-rapl:0"]
    pipe = zone.directory / file
    said = pipe.read_text()
    pipe.unlink()
    os.mkfifo(pipe)
    blocked = {"intel-rapl:0"} if file == "energy_uj" else set()
    for path in blocked:
        zones.pop(path)
    two_sockets.open()
    run = two_sockets.step()
    assert set(run.failures) == blocked
    assert set(run.by_path(ENERGY)) == set(zones) - blocked
    pipe.unlink()
    pipe.write_text(said)
    zones["intel-rapl:0"] = zone
    two_sockets.step(11.0)
    two_sockets.step()
    assert len(two_sockets.step().by_path(ENERGY)) == 10


def test_a_counter_that_comes_to_block_costs_its_zone_only_while_it_does(two_sockets):
    two_sockets.open()
    two_sockets.step()
    zone = two_sockets.tree.zones["intel-rapl:0"]
    counter = zone.directory / "energy_uj"
    counter.unlink()
    os.mkfifo(counter)
    two_sockets.tree.zones.pop("intel-rapl:0")
    for _ in range(3):
        run = two_sockets.step()
        assert set(run.failures) == {"intel-rapl:0"}
        assert len(run.by_path(ENERGY)) == 9
    counter.unlink()
    two_sockets.tree.zones["intel-rapl:0"] = zone
    zone.set(zone.raw + 3 * 140_000_000)
    assert two_sockets.step().by_path(ENERGY)["intel-rapl:0"] == pytest.approx(5 * 140.0)
