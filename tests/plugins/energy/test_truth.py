"""The ledger's sum is the truth of a powercap tree, over wraps, duplicates, denials, resets and nonsense."""

from __future__ import annotations

import importlib.util
import json
import tempfile
from pathlib import Path

import pytest

from collector_core import NotAvailable
from collector_plugins.energy import metrics
from tests.plugins.rapl.conftest import LIMITS, PowercapTree, Rig

FIXTURES = Path(__file__).resolve().parents[4] / "shared/fixtures/powercap"
SCENARIOS = sorted((FIXTURES / "expected").glob("*.json"))


@pytest.fixture
def tree(tmp_path):
    return PowercapTree(tmp_path)


def total(machine, metric=metrics.ENERGY):
    return sum(machine.energy.series(metric).values())


def steps(machine, tree, seconds):
    """A run now and one after each further second."""
    machine.run()
    for _ in range(seconds):
        tree.advance(1.0)
        machine.clock.advance(1.0)
        machine.run()
    return seconds


def two_sockets(tree):
    for socket, watts in ((0, 140.0), (1, 120.0)):
        tree.add(f"intel-rapl:{socket}", f"package-{socket}", watts, limits=LIMITS, start=socket * 7_000_000)
        tree.add(f"intel-rapl:{socket}:0", "core", watts * 0.6)
        tree.add(f"intel-rapl:{socket}:1", "dram", 18.0, maximum=65_712_999_613)
        tree.add(f"intel-rapl-mmio:{socket}", f"package-{socket}", watts, limits=LIMITS, start=socket * 7_000_000)
    tree.add("intel-rapl:2", "psys", 360.0)


def test_two_sockets_with_memory_cores_platform_and_mmio_views(machine, tree):
    two_sockets(tree)
    found = machine(tree.root)
    seconds = steps(found, tree, 10)
    assert total(found) == pytest.approx(296 * seconds)
    assert total(found, metrics.POWER) == pytest.approx(296)


def test_where_the_platform_is_preferred_its_parts_are_what_is_attributed(machine, tree):
    two_sockets(tree)
    found = machine(tree.root, prefer="psys")
    seconds = steps(found, tree, 10)
    assert total(found) == pytest.approx(360 * seconds)
    assert found.energy.value(metrics.UNATTRIBUTED) == pytest.approx(360 - 296)


@pytest.mark.parametrize("mirrored", [True, False])
def test_dies_count_once_where_they_mirror_each_other_and_both_where_they_do_not(machine, tree, mirrored):
    for die in (0, 1):
        start = 5_000_000 if mirrored else die * 9_000_000_000
        tree.add(f"intel-rapl:{die}", f"package-0-die-{die}", 100.0 if mirrored else 60.0 + die, start=start)
    found = machine(tree.root)
    seconds = steps(found, tree, 10)
    assert total(found) == pytest.approx((100 if mirrored else 121) * seconds)


def test_a_counter_that_starts_again_loses_that_time_only(machine, tree):
    zone = tree.add("intel-rapl:0", "package-0", 50.0, limits=LIMITS, start=100_000_000_000)
    found = machine(tree.root)
    steps(found, tree, 5)
    zone.set(0)
    found.clock.advance(1.0)
    found.run()
    assert total(found) == pytest.approx(250)
    tree.advance(1.0)
    found.clock.advance(1.0)
    found.run()
    assert total(found) == pytest.approx(300)
    assert found.energy.series(metrics.POWER) == {}, "unknown, not 0 W"
    steps(found, tree, 5)
    assert total(found) == pytest.approx(550)


def test_garbage_in_one_zone_leaves_the_others_counted(machine, tree):
    tree.add("intel-rapl:0", "package-0", 50.0, limits=LIMITS)
    tree.add("intel-rapl:1", "package-1", 70.0, limits=LIMITS).write("energy_uj", "\x00garbage")
    tree.zones["intel-rapl:1"].directory.joinpath("energy_uj").chmod(0o444)
    found = machine(tree.root)
    found.run()
    tree.zones["intel-rapl:0"].set(1_050_000_000)
    found.clock.advance(1.0)
    found.run()
    assert set(found.energy.series(metrics.ENERGY)) == {("cpu", "package-0", "rapl")}
    assert total(found) == pytest.approx(50)


def test_where_all_is_denied_it_says_so_and_shows_no_watts(machine, public_tree):
    public_tree.add("intel-rapl:0", "package-0", 50.0)
    public_tree.deny("intel-rapl:0")
    found = machine(public_tree.root)
    with Rig.unprivileged():
        found.run()
    with pytest.raises(NotAvailable) as raised:
        found.energy.run()
    assert raised.value.detail == "no collector hands over an energy meter"
    assert "doctor" in raised.value.fix


@pytest.fixture
def public_tree():
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield PowercapTree(Path(directory))


@pytest.fixture(scope="module")
def tool():
    if not SCENARIOS:
        pytest.skip("the shared fixtures are not beside this checkout")
    spec = importlib.util.spec_from_file_location("fakepowercap", FIXTURES / "fakepowercap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not SCENARIOS, reason="the shared fixtures are not beside this checkout")
@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_the_sum_is_the_shared_truth(machine, tool, tmp_path, file):
    expected = json.loads(file.read_text())
    (tmp_path / "sys").mkdir()
    truth = tool.build(str(tmp_path / "sys"), expected["scenario"])
    found = machine(tmp_path)
    found.run()
    for _ in range(expected["steps"]):
        tool.advance(str(tmp_path / "sys"), truth, expected["seconds"] / expected["steps"])
        found.clock.advance(expected["seconds"] / expected["steps"])
        found.run()
    assert total(found) == pytest.approx(expected["host_joules_since_build"])
    assert total(found, metrics.POWER) == pytest.approx(expected["host_watts"])
