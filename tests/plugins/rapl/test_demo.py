"""Simulated processors: energy that the ledger can count, and power that is its slope."""

import pytest

from collector_core.energy import Component, choose
from collector_plugins.rapl import ENERGY, POWER, POWER_LIMIT, ZONE
from collector_plugins.rapl.demo import DemoRapl


def test_energy_grows_by_power(collector_harness):
    harness = collector_harness(DemoRapl)
    harness.run()
    before = harness.series(ENERGY)
    harness.run(advance=1.0)
    power = harness.series(POWER)
    assert len(power) == 6
    for labels, joules in harness.series(ENERGY).items():
        assert joules - before[labels] == pytest.approx(power[labels])


def test_parts_are_within_their_package_and_packages_below_their_limit(collector_harness):
    harness = collector_harness(DemoRapl)
    harness.run()
    harness.run(advance=1.0)
    power = {labels[2]: watts for labels, watts in harness.series(POWER).items()}
    for number in ("0", "1"):
        assert power[f"intel-rapl:{number}:0"] < power[f"intel-rapl:{number}"] < 150
    assert set(harness.series(POWER_LIMIT).values()) == {150.0, 180.0}
    assert {labels[3] for labels in harness.series(ZONE)} == {"package", "part", "dram"}


def test_the_ledger_counts_packages_and_memory(collector_harness):
    harness = collector_harness(DemoRapl)
    assert all(meter.latest() is None for meter in harness.collector.collector_energy_meters())
    harness.run()
    meters = choose(harness.collector.collector_energy_meters())
    assert [meter.component for meter in meters] == [Component.CPU, Component.DRAM] * 2
    assert all(meter.latest() for meter in meters)
