"""`calibrate()`: the curve of a machine whose counters follow the load that it makes."""

from __future__ import annotations

import json
import os
import platform
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector_core import NotAvailable
from collector_core.calibration import LoadPoint, machine
from collector_core.energy import calibrate
from collector_plugins.estimate import modelfile
from tests.powercap import PowercapTree


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[PowercapTree]:
    """A machine whose processor uses energy all the time, and whose CPU times are those of the real one."""
    tree, stopped = PowercapTree(tmp_path), threading.Event()
    tree.add("intel-rapl:0", "package-0", 100.0)
    tree.add("intel-rapl:0:0", "dram", 10.0)

    def drive() -> None:
        while not stopped.wait(0.005):
            tree.advance(0.005)

    thread = threading.Thread(target=drive)
    thread.start()
    yield tree
    stopped.set()
    thread.join()


def test_profile_accuracy_and_samples(tree: PowercapTree, tmp_path: Path) -> None:
    found = calibrate(root=tree.root, seconds=0.6, steps=1)
    assert [sample.level for sample in found.samples] == [0, 0, 0, *[os.cpu_count()] * 3]
    assert found.profile["processor"]
    assert (found.profile["host"], found.profile["method"]) == (platform.node(), "rapl")
    assert found.profile["residual_watts"] == found.accuracy.residual >= 0
    assert [sorted(point) for point in found.profile["points"]] == [["cpu_watts", "dram_watts", "utilization"]] * 2


def test_the_curve_goes_through_the_means_and_the_estimate_reads_it() -> None:
    watts = {0: (20.0, 22.0), 2: (60.0, 58.0)}
    samples = [
        LoadPoint(level, level, level / 2, {("cpu", "0"): each, ("cpu", "1"): 1.0, ("dram", "0"): 5.0})
        for level, both in watts.items()
        for each in both
    ]
    points = list(machine._points(samples))
    assert points == [
        {"utilization": 0.0, "cpu_watts": 22.0, "dram_watts": 5.0},
        {"utilization": 1.0, "cpu_watts": 60.0, "dram_watts": 5.0},
    ]
    assert machine._accuracy(points, samples).residual == pytest.approx(1.0)
    assert len(modelfile.parse(json.dumps({"cpu": "any", "points": points}).encode()).points) == 2


def test_without_a_counter_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="no energy can be measured at level hardware: .*powercap"):
        calibrate(root=tmp_path, seconds=0.1)


@pytest.mark.parametrize("options", [{"seconds": 0}, {"seconds": 1, "steps": 0}])
def test_no_time_is_no_calibration(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        calibrate(**options)  # type: ignore[arg-type]
