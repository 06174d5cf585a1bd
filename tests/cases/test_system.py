"""Machines whose kernels report disks, CPUs and temperatures in ways that mislead."""

import shutil

from collector_core.testing import Harness
from collector_plugins.system import System, metrics


def harness_of(root, **options):
    return Harness(System, root, **options)


def temperatures(root):
    harness = harness_of(root)
    harness.run()
    assert harness.part_failures == []
    found = harness.series(metrics.TEMPERATURE)
    harness.close()
    return found


def values(found, chip):
    return [celsius for (name, _), celsius in found.items() if name == chip]


def test_temperature_file_is_empty(case):
    found = temperatures(case("hw/temperature-file-is-empty") / "root")
    assert sorted(found.values()) == [39.0, 41.0]
    assert {chip for chip, _ in found} == {"coretemp"}


def test_temperature_files_below_device(case):
    found = temperatures(case("hw/temperature-files-below-device") / "root")
    assert found.pop(("coretemp", "Core 0")) == 41.0
    assert values(found, "acpitz") == [27.8]
    assert len(found) == 1


def test_temperature_only_in_a_thermal_zone(case):
    found = temperatures(case("hw/temperature-only-in-a-thermal-zone") / "root")
    assert sorted(found.values()) == [27.8, 29.8, 66.0]
    assert values(found, "x86_pkg_temp") == [66.0]


def test_temperature_that_cannot_be(case):
    found = temperatures(case("hw/temperature-that-cannot-be") / "root")
    assert sorted(found.values()) == [-24.5, 27.8, 30.0, 35.0, 38.0, 85.85]
    assert values(found, "it8721") == [38.0, 30.0]


def test_disk_paths_and_volumes(case):
    harness = harness_of(case("hw/disk-paths-and-volumes") / "root")
    harness.run()
    assert harness.part_failures == []
    assert harness.series(metrics.DISK_READ_BYTES) == {("nvme0n1",): 2_465_364_853_760, ("sda",): 409_600}
    harness.close()


def test_cpu_iowait_steps_back(case, tmp_path):
    folder = case("hw/cpu-iowait-steps-back")
    shutil.copytree(folder / "root", tmp_path, dirs_exist_ok=True)
    harness = harness_of(tmp_path)
    before: dict[tuple[str, ...], float] = {}
    for step in sorted((folder / "steps").iterdir()):
        shutil.copytree(step, tmp_path, dirs_exist_ok=True)
        harness.run(advance=1.0)
        now = harness.series(metrics.CPU_SECONDS)
        assert all(now[key] >= seconds for key, seconds in before.items())
        assert (harness.value(metrics.CPU_USAGE) is None) == (not before)
        assert bool(harness.series(metrics.CPU_CORE_USAGE)) == bool(before)
        before = now
    assert before["0", "iowait"] == 5482.82
    harness.close()
