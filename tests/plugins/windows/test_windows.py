"""Energy meters of Windows for the ledger, and output of any kind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.windows import Windows
from collector_plugins.windows.parsing import parse_batteries, parse_meters

DESKTOP = Path(__file__).parent / "testcases/desktop-with-windows-11-24h2"


def test_packages_and_memory_are_meters_and_what_is_inside_them_is_not(collector_harness, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    harness = collector_harness(Windows)
    for tree in ("root", "root.2"):
        shutil.copy(DESKTOP / tree / "usr/bin/powershell", tmp_path / "powershell")
        harness.run(advance=15)
    meters = {(meter.component, meter.device): meter for meter in harness.collector.collector_energy_meters()}
    assert set(meters) == {("cpu", "package-0"), ("dram", "package-0")}
    assert meters["cpu", "package-0"].latest().joules == pytest.approx(600)
    assert meters["dram", "package-0"].latest().joules == pytest.approx(36)


def test_a_meter_that_is_gone_knows_nothing(collector_harness, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    shutil.copy(DESKTOP / "root/usr/bin/powershell", tmp_path / "powershell")
    harness = collector_harness(Windows)
    harness.run()
    (tmp_path / "powershell").write_text("#!/bin/sh\ncase \"$*\" in *BatteryStatus*) echo '[]' ;; *) exit 1 ;; esac\n")
    harness.run(advance=15)
    assert [meter.latest() for meter in harness.collector.collector_energy_meters()] == [None, None]


class Watched(Windows):
    """Notes what its meters know when PowerShell is asked."""

    def __init__(self, config, ctx):
        super().__init__(config, ctx)
        self.known = []

    def _ask(self, question):
        self.known.append([meter.latest() for meter in self.collector_energy_meters()])
        return super()._ask(question)


def test_meters_know_what_was_said_last_while_powershell_is_asked(collector_harness, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    harness = collector_harness(Watched)
    shutil.copy(DESKTOP / "root/usr/bin/powershell", tmp_path / "powershell")
    harness.run()
    harness.run(advance=15)
    meters, batteries = harness.collector.known[-2:]
    assert len(meters) == 2
    assert all([*meters, *batteries])


def test_it_is_no_collector_of_other_systems(collector_harness):
    assert Windows.detect(collector_harness(Windows).context).reason == "not_supported"


VALUES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4)
KEYS = ["InstanceName", "CookedValue", "Path", "ChargeRate", "RemainingCapacity", "FullChargedCapacity"]
ROW = st.dictionaries(st.sampled_from(KEYS), VALUES | st.sampled_from(["a\\power", "a\\energy"]))


@given(st.lists(ROW | VALUES, max_size=4) | ROW | VALUES)
def test_any_json_is_watts_or_nothing(document):
    output = json.dumps(document).encode()
    for meter in parse_meters(output).values():
        assert all(value is None or 0 <= value <= 1e15 for value in meter)
    for battery in parse_batteries(output).values():
        assert battery.ratio is None or 0 <= battery.ratio <= 1


@given(st.binary(max_size=20))
def test_what_is_no_json_is_an_error_or_nothing(output):
    for parse in (parse_meters, parse_batteries):
        try:
            assert parse(output) == {}
        except ValueError:
            continue
