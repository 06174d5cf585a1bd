"""Recorded processors with the right answer, read as the program reads them."""

from __future__ import annotations

import shutil

import pytest

from collector_core.procfs import read_cpus
from collector_plugins.estimate import MODEL, Estimate
from collector_plugins.system import System

NAME = "hw/processors-with-newer-names"


@pytest.mark.parametrize(("number", "watts"), [(0, 15), (1, 15), (2, 28)])
def test_processors_with_newer_names(case, collector_harness, tmp_path, number, watts):
    proc = tmp_path / "proc"
    proc.mkdir()
    shutil.copyfile(case(NAME) / f"{number}.cpuinfo", proc / "cpuinfo")
    (proc / "stat").write_text("cpu  2000 0 1000 40000 20 0 0 0 0 0\ncpu0 2000 0 1000 40000 20 0 0 0 0 0\n")
    harness = collector_harness(Estimate, root=tmp_path)
    harness.run()
    (labels,) = harness.series(MODEL)
    tdp = float(dict(zip(MODEL.labels, labels, strict=True))["tdp_watts"])
    assert watts / 2 <= tdp <= 1.6 * watts


def test_cpuinfo_of_an_ibm_z(case_root, collector_harness):
    root = case_root("hw/cpuinfo-of-an-ibm-z")
    harness = collector_harness(System, root=root)
    harness.run()
    assert harness.part_failures == []
    info = next(metric for metric in System.metrics if metric.name == "system_cpu_info")
    (labels,) = harness.series(info)
    assert dict(zip(info.labels, labels, strict=True))["threads"] == "4"
    assert read_cpus(root / "proc").threads == 4
    estimate = collector_harness(Estimate, root=root)
    estimate.run()
    assert estimate.part_failures == []
