"""The whole program on powercap trees whose true energy is known, at other people's hands too."""

import importlib.util
import os
import re
import shutil
import time
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared/fixtures/powercap"


@pytest.fixture
def tool():
    """The powercap tree builder that is kept beside the checkout."""
    script = SHARED / "fakepowercap.py"
    if not script.exists():
        pytest.skip("no shared/fixtures/powercap beside the checkout; tests/plugins/rapl has trees of its own")
    spec = importlib.util.spec_from_file_location("fakepowercap", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_path(samples, metric):
    found = {}
    for series, value in samples.items():
        match = re.fullmatch(rf'{metric}\{{.*path="([^"]+)".*\}}', series)
        if match:
            found[match[1]] = value
    return found


@pytest.mark.parametrize("scenario", ["intel-2s", "amd-1s", "laptop", "wrap", "eio"])
def test_joules_and_watts_are_the_truth(tool, collector, tmp_path, eventually, scenario):
    tree = tmp_path / "tree"
    truth = tool.build(str(tree / "sys"), scenario)
    program = collector("collectors: {rapl: {interval: 200ms}}", "--root", tree)
    eventually(
        lambda: program.samples().get('collector_last_success_timestamp_seconds{collector="rapl",plugin="rapl"}')
    )
    start = time.monotonic()
    for step in range(1, 11):
        time.sleep(max(0.0, start + step * 0.2 - time.monotonic()))
        tool.advance(str(tree / "sys"), truth, 0.2)
    expected = tool.report(truth)["zones"]
    readable = {path: zone for path, zone in expected.items() if zone["readable"]}

    def joules():
        found = by_path(program.samples(), "rapl_energy_joules_total")
        good = all(found.get(path) == pytest.approx(zone["joules_since_build"]) for path, zone in readable.items())
        return found if good else None

    assert eventually(joules).keys() == readable.keys()
    samples = program.samples()
    assert by_path(samples, "rapl_unknown_gaps_total") == dict.fromkeys(readable, 0.0)
    if scenario == "eio":
        assert samples['collector_up{collector="rapl",plugin="rapl"}'] == 1
        assert samples['collector_runs_total{collector="rapl",plugin="rapl",result="partial"}'] > 3
        assert "zone=intel-rapl:1 fails" in program.log


def test_watts_are_those_of_the_wall_clock(tool, collector, tmp_path, eventually):
    """Power is energy per time: the tree moves on with the clock, so the watts must come out as they went in."""
    tree = tmp_path / "tree"
    truth = tool.build(str(tree / "sys"), "intel-2s")
    program = collector("collectors: {rapl: {interval: 500ms}}", "--root", tree)
    last = time.monotonic()

    def watts_are_true():
        nonlocal last
        for _ in range(50):
            time.sleep(0.002)
            now = time.monotonic()
            tool.advance(str(tree / "sys"), truth, now - last)
            last = now
        watts, zones = by_path(program.samples(), "rapl_power_watts"), tool.report(truth)["zones"]
        return watts and all(watts[path] == pytest.approx(zone["last_watts"], rel=0.1) for path, zone in zones.items())

    eventually(watts_are_true)


def test_permission_denied_is_told_from_absent(tool, collector, tmp_path, without_privileges, eventually):
    tree = tmp_path / "tree"
    tool.build(str(tree / "sys"), "denied")
    program = collector(None, "--root", tree, prefix=without_privileges(tree))
    assert program.samples()['collector_unavailable_info{collector="rapl",plugin="rapl",reason="permission"}'] == 1
    assert program.samples()['collector_up{collector="rapl",plugin="rapl"}'] == 0
    unavailable = 'collector_runs_total{collector="rapl",plugin="rapl",result="unavailable"}'
    eventually(lambda: program.samples()[unavailable] >= 2)
    assert program.log.count("sudo chmod a+r") == 1
    assert not by_path(program.samples(), "rapl_power_watts")


def test_one_denied_zone_harms_no_other(tool, collector, tmp_path, without_privileges, eventually):
    tree = tmp_path / "tree"
    truth = tool.build(str(tree / "sys"), "intel-2s")
    (tree / "sys/class/powercap/intel-rapl:1/energy_uj").chmod(0o400)
    program = collector("collectors: {rapl: {interval: 200ms}}", "--root", tree, prefix=without_privileges(tree))
    eventually(lambda: program.samples()['collector_runs_total{collector="rapl",plugin="rapl",result="partial"}'] > 1)
    (tree / "sys/class/powercap/intel-rapl:0/energy_uj").write_text(
        f"{truth['zones']['intel-rapl:0']['start'] + 5_000_000}\n"
    )
    eventually(lambda: by_path(program.samples(), "rapl_energy_joules_total") == {"intel-rapl:0": 5.0})
    assert "zone=intel-rapl:1 fails: PermissionError" in program.log


@pytest.fixture
def without_privileges():
    """How to start a program that may not read the 0400 files of a tree, root or not."""

    def prefix(tree):
        if os.geteuid() != 0:
            return ()
        for folder, folders, files in os.walk(tree):
            for name in (*folders, *files):
                os.chown(Path(folder) / name, 65534, 65534, follow_symlinks=False)
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("setpriv (util-linux) is needed to drop root's power to read everything")
        return (setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")

    return prefix
