"""Which package a zone belongs to, what may be added up, and what is there twice."""

from __future__ import annotations

import pytest

from collector_core.energy import Ledger
from collector_plugins.rapl import POWER, ZONE

ADDED_UP = {"package", "die", "dram"}


def packages(run):
    return {labels["path"]: labels["package"] for labels in run.labels(ZONE)}


def summed_watts(run):
    return sum(watts for path, watts in run.by_path(POWER).items() if run.roles()[path] in ADDED_UP)


def test_two_sockets_add_up_to_packages_and_dram(two_sockets):
    two_sockets.open()
    run = two_sockets.step()
    assert run.roles() == {
        "intel-rapl:0": "package",
        "intel-rapl:0:0": "part",
        "intel-rapl:0:1": "dram",
        "intel-rapl:1": "package",
        "intel-rapl:1:0": "part",
        "intel-rapl:1:1": "dram",
        "intel-rapl:2": "psys",
        "intel-rapl-mmio:0": "duplicate",
        "intel-rapl-mmio:0:0": "duplicate",
        "intel-rapl-mmio:1": "duplicate",
    }
    assert run.duplicates() == {
        "intel-rapl-mmio:0": "intel-rapl:0",
        "intel-rapl-mmio:0:0": "intel-rapl:0:1",
        "intel-rapl-mmio:1": "intel-rapl:1",
    }
    assert summed_watts(run) == pytest.approx(140 + 120 + 18 + 16)


def test_packages_go_by_name_not_by_number(rig):
    rig.tree.add("intel-rapl:0", "package-1", 10.0)
    rig.tree.add("intel-rapl:0:0", "dram", 1.0)
    rig.tree.add("intel-rapl:1", "package-0", 20.0)
    rig.tree.add("intel-rapl:1:0", "dram", 2.0)
    rig.tree.add("intel-rapl-mmio:0", "package-0", 20.0)
    rig.tree.add("intel-rapl-mmio:0:0", "dram", 2.0)
    run = rig.open()
    assert packages(run) == {
        "intel-rapl:0": "1",
        "intel-rapl:0:0": "1",
        "intel-rapl:1": "0",
        "intel-rapl:1:0": "0",
        "intel-rapl-mmio:0": "0",
        "intel-rapl-mmio:0:0": "0",
    }
    assert run.duplicates() == {"intel-rapl-mmio:0": "intel-rapl:1", "intel-rapl-mmio:0:0": "intel-rapl:1:0"}


def test_amd_has_a_package_and_its_cores(rig):
    rig.tree.add("intel-rapl:0", "package-0", 225.0, maximum=65_532_610_987)
    rig.tree.add("intel-rapl:0:0", "core", 60.0, maximum=65_532_610_987)
    assert rig.open().roles() == {"intel-rapl:0": "package", "intel-rapl:0:0": "part"}
    assert summed_watts(rig.step()) == pytest.approx(225.0)


def test_a_laptop_has_uncore_and_psys_on_top(rig):
    rig.tree.add("intel-rapl:0", "package-0", 12.5)
    rig.tree.add("intel-rapl:0:0", "core", 6.25)
    rig.tree.add("intel-rapl:0:1", "uncore", 0.5)
    rig.tree.add("intel-rapl:1", "psys", 21.0)
    rig.tree.add("intel-rapl-mmio:0", "package-0", 12.5)
    run = rig.open()
    assert run.roles() == {
        "intel-rapl:0": "package",
        "intel-rapl:0:0": "part",
        "intel-rapl:0:1": "part",
        "intel-rapl:1": "psys",
        "intel-rapl-mmio:0": "duplicate",
    }
    assert packages(run)["intel-rapl:1"] == ""


def test_psys_of_a_further_socket_and_psys_inside_a_package_are_still_psys(rig):
    rig.tree.add("intel-rapl:0", "package-0")
    rig.tree.add("intel-rapl:0:0", "psys")
    rig.tree.add("intel-rapl:1", "psys-1")
    run = rig.open()
    assert run.roles() == {"intel-rapl:0": "package", "intel-rapl:0:0": "psys", "intel-rapl:1": "psys"}
    assert packages(run) == {"intel-rapl:0": "0", "intel-rapl:0:0": "", "intel-rapl:1": ""}


def test_mmio_alone_is_no_duplicate(rig):
    rig.tree.add("intel-rapl-mmio:0", "package-0", 15.0)
    rig.tree.add("intel-rapl-mmio:0:0", "dram", 2.0)
    run = rig.open()
    assert run.duplicates() == {}
    assert run.roles() == {"intel-rapl-mmio:0": "package", "intel-rapl-mmio:0:0": "dram"}


def test_an_mmio_zone_that_the_other_interface_lacks_is_no_duplicate(rig):
    rig.tree.add("intel-rapl:0", "package-0", 15.0)
    rig.tree.add("intel-rapl-mmio:0", "package-0", 15.0)
    rig.tree.add("intel-rapl-mmio:0:0", "dram", 2.0)
    run = rig.open()
    assert run.duplicates() == {"intel-rapl-mmio:0": "intel-rapl:0"}
    assert run.roles()["intel-rapl-mmio:0:0"] == "dram"


def test_a_duplicate_ends_when_its_original_is_unloaded(rig):
    rig.tree.add("intel-rapl:0", "package-0", 15.0)
    rig.tree.add("intel-rapl-mmio:0", "package-0", 15.0)
    rig.open()
    rig.tree.remove("intel-rapl:0")
    assert rig.step().roles() == {"intel-rapl-mmio:0": "package"}


def test_another_control_type_counts_where_it_knows_energy(rig):
    rig.tree.add("intel-rapl:0", "package-0", 15.0)
    rig.tree.add("other-rapl:0", "soc", 3.0)
    power_only = rig.tree.add("dtpm:0", "cpu0-cpufreq", maximum=None)
    (power_only.directory / "energy_uj").unlink()
    power_only.write("power_uw", "1000\n")
    run = rig.open()
    assert run.roles() == {"intel-rapl:0": "package", "other-rapl:0": "other"}
    assert run.failures == {}


def test_deeper_nesting_finds_the_nearest_package_above(rig):
    rig.tree.add("intel-rapl:0", "package-3")
    rig.tree.add("intel-rapl:0:1", "dram")
    rig.tree.add("intel-rapl:0:1:0", "channel-0")
    rig.tree.add("intel-rapl:0:1:0:0", "dram")
    run = rig.open()
    assert set(packages(run).values()) == {"3"}
    assert list(run.roles().values()) == ["package", "dram", "part", "part"]


def test_a_die_inside_a_package_is_part_of_it(rig):
    rig.tree.add("intel-rapl:0", "package-0")
    rig.tree.add("intel-rapl:0:0", "package-0-die-0")
    assert rig.open().roles() == {"intel-rapl:0": "package", "intel-rapl:0:0": "part"}


def test_the_real_directories_tell_the_parent_where_the_id_does_not(rig):
    rig.tree.add("intel-rapl:7", "package-5")
    rig.tree.add("intel-rapl:9:9", "dram", inside="intel-rapl:7")
    run = rig.open()
    assert packages(run) == {"intel-rapl:7": "5", "intel-rapl:9:9": "5"}
    assert run.roles()["intel-rapl:9:9"] == "dram"


def test_the_id_tells_the_parent_where_the_directories_are_flat(rig):
    rig.tree.add("intel-rapl:0", "package-4")
    rig.tree.add("intel-rapl:0:0", "dram", inside="intel-rapl")
    assert packages(rig.open()) == {"intel-rapl:0": "4", "intel-rapl:0:0": "4"}


def test_a_parent_that_counts_no_energy_still_names_the_package(rig):
    parent = rig.tree.add("intel-rapl:0", "package-0", maximum=None)
    rig.tree.add("intel-rapl:0:0", "dram")
    (parent.directory / "energy_uj").unlink()
    assert packages(rig.open()) == {"intel-rapl:0:0": "0"}


def test_parents_that_go_in_circles_do_not_hang(rig):
    outer = rig.tree.add("intel-rapl:0:0", "dram")
    rig.tree.add("intel-rapl:0", "core", inside="intel-rapl:0:0")
    assert outer.directory.exists()
    assert set(rig.open().roles()) == {"intel-rapl:0", "intel-rapl:0:0"}


def dies(rig, *, mirrored):
    for die in (0, 1):
        start = 5_000_000_000 + (0 if mirrored else die * 777_777_777)
        rig.tree.add(f"intel-rapl:{die}", f"package-0-die-{die}", 100.0, start=start)
        rig.tree.add(f"intel-rapl:{die}:0", "dram", 10.0, start=start // 3)
    rig.tree.add("intel-rapl:2", "package-1-die-0", 100.0, start=5_000_000_000)
    return rig


def test_true_dies_are_added_up(rig):
    dies(rig, mirrored=False).open()
    for _ in range(5):
        run = rig.step()
    assert run.duplicates() == {}
    assert run.roles()["intel-rapl:1"] == "die"
    assert packages(run)["intel-rapl:1:0"] == "0"
    assert summed_watts(run) == pytest.approx(320.0)


def test_mirrored_dies_are_counted_once_after_two_moving_samples(rig):
    dies(rig, mirrored=True).open()
    assert rig.step().duplicates() == {}
    run = rig.step()
    assert run.duplicates() == {"intel-rapl:1": "intel-rapl:0", "intel-rapl:1:0": "intel-rapl:0:0"}
    assert run.roles()["intel-rapl:1"] == "duplicate"
    assert summed_watts(run) == pytest.approx(210.0)


def test_counters_that_stand_still_prove_nothing(rig):
    dies(rig, mirrored=True)
    for zone in rig.tree.zones.values():
        zone.watts = 0.0
    rig.open()
    for _ in range(5):
        assert rig.step().duplicates() == {}


def test_a_mirror_may_move_on_between_two_reads_but_no_further(rig):
    dies(rig, mirrored=True).open()
    rig.step()
    rig.step()
    second = rig.tree.zones["intel-rapl:1"]
    second.set(second.raw + 4_000_000)  # 10 ms at 500 W are 5 J
    assert "intel-rapl:1" in rig.step().duplicates()
    second.set(second.raw + 2_000_000)
    run = rig.step()
    assert run.duplicates() == {"intel-rapl:1:0": "intel-rapl:0:0"}
    assert run.roles()["intel-rapl:1"] == "die"


def test_a_mirror_over_the_wrap_is_still_one(rig):
    dies(rig, mirrored=True).open()
    rig.step()
    rig.step()
    first, second = rig.tree.zones["intel-rapl:0"], rig.tree.zones["intel-rapl:1"]
    first.set(first.maximum - 1 - 100_000_000)
    second.set(second.maximum + 1 - 100_000_000)
    assert "intel-rapl:1" in rig.step().duplicates()


def test_the_third_die_mirrors_the_first(rig):
    for die in (0, 1, 2):
        rig.tree.add(f"intel-rapl:{die}", f"package-0-die-{die}", 100.0)
    rig.open()
    rig.step()
    assert rig.step().duplicates() == {"intel-rapl:1": "intel-rapl:0", "intel-rapl:2": "intel-rapl:0"}


def test_a_mirror_of_a_mirror_points_at_the_first(rig):
    for die in (0, 1, 2):
        rig.tree.add(f"intel-rapl:{die}", f"package-0-die-{die}", 100.0)
    rig.open()
    rig.step()
    rig.step()
    for die in (1, 2):
        zone = rig.tree.zones[f"intel-rapl:{die}"]
        zone.set(zone.raw + die * 4_000_000)
    assert rig.step().duplicates() == {"intel-rapl:1": "intel-rapl:0", "intel-rapl:2": "intel-rapl:0"}


def packages_of_xen(rig, count, **more):
    """A guest that has the counters of one processor under several packages, each with memory and cores."""
    for package in range(count):
        rig.tree.add(f"intel-rapl:{package}", f"package-{package}", 37.123, start=91_234_567, **more)
        rig.tree.add(f"intel-rapl:{package}:0", "core", 21.7, start=8_234_111)
        rig.tree.add(f"intel-rapl:{package}:1", "dram", 4.4, start=2_555_333)
    return rig


def ledger_joules(rig, runs):
    """What a ledger makes of some runs."""
    ledger = Ledger()
    for _ in range(runs):
        rig.step()
        ledger.update(rig.collector.collector_energy_meters(), rig.clock.monotonic())
    return {(account.component, account.device): joules for account, joules in ledger.joules.items()}


@pytest.mark.parametrize("count", [2, 4])
def test_packages_that_show_one_counter_count_once(rig, count):
    packages_of_xen(rig, count).open()
    joules = ledger_joules(rig, 6)
    assert joules == pytest.approx({("cpu", "package-0"): 6 * 37.123, ("dram", "package-0"): 6 * 4.4})
    run = rig.step()
    assert summed_watts(run) == pytest.approx(37.123 + 4.4)
    assert run.duplicates()[f"intel-rapl:{count - 1}:1"] == "intel-rapl:0:1"


def test_packages_that_show_one_counter_may_move_on_between_two_reads(rig):
    packages_of_xen(rig, 2).open()
    ledger_joules(rig, 3)
    second = rig.tree.zones["intel-rapl:1"]
    second.set(second.raw + 61_000)
    assert "intel-rapl:1" in rig.step().duplicates()


def test_two_packages_are_two_also_where_their_memory_says_the_same(rig):
    packages_of_xen(rig, 2)
    second = rig.tree.zones["intel-rapl:1"]
    second.set(second.raw + 40_000_000_000)
    rig.open()
    joules = ledger_joules(rig, 6)
    assert sum(joules.values()) == pytest.approx(2 * 6 * (37.123 + 4.4))
    assert rig.step().duplicates() == {}


def test_mmio_duplicates_of_dies_point_at_their_own_die(rig):
    dies(rig, mirrored=False)
    rig.tree.add("intel-rapl-mmio:0", "package-0-die-1", 100.0)
    rig.tree.add("intel-rapl-mmio:0:0", "dram", 10.0)
    assert rig.open().duplicates() == {"intel-rapl-mmio:0": "intel-rapl:1", "intel-rapl-mmio:0:0": "intel-rapl:1:0"}


def test_where_the_preferred_interface_stands_still_the_other_counts(rig):
    rig.tree.add("intel-rapl:0", "package-0", 0.0, start=1_000_000)
    rig.tree.add("intel-rapl-mmio:0", "package-0", 12.0, start=2_000_000)
    rig.open()
    joules = ledger_joules(rig, 6)
    assert joules == pytest.approx({("cpu", "package-0"): 72.0})
    assert rig.step().duplicates() == {"intel-rapl:0": "intel-rapl-mmio:0"}


def test_views_of_one_package_need_not_agree_and_count_once(rig):
    rig.tree.add("intel-rapl:0", "package-0", 4.1, start=1_000_000)
    rig.tree.add("intel-rapl-mmio:0", "package-0", 3.7, start=9_000_000_000)
    rig.tree.add("intel-rapl:1", "psys", 11.0, start=55_000_000)
    rig.open()
    assert ledger_joules(rig, 5) == pytest.approx({("cpu", "package-0"): 20.5})


def test_packages_go_by_their_name_wherever_the_platform_stands(rig):
    rig.tree.add("intel-rapl:0", "psys", 900.0, start=70_000_000_000, maximum=4_294_967_295_000_000)
    rig.tree.add("intel-rapl:1", "package-1", 150.0, start=1_000_000)
    rig.tree.add("intel-rapl:1:0", "dram", 20.0)
    rig.tree.add("intel-rapl:2", "package-0", 160.0, start=4_000_000_000)
    rig.open()
    joules = ledger_joules(rig, 4)
    expected = {("cpu", "package-1"): 600.0, ("dram", "package-1"): 80.0, ("cpu", "package-0"): 640.0}
    assert joules == pytest.approx(expected)
