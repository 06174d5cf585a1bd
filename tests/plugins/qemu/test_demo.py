"""Simulated guests: watts by the plugin's own model, and not more than the demo rack draws."""

import pytest

from collector_core.demo.rack import Rack
from collector_plugins.qemu import metrics
from collector_plugins.qemu.demo import DemoQemu

HOUR = 3600.0


@pytest.fixture
def harness(collector_harness):
    harness = collector_harness(DemoQemu)
    harness.run()
    harness.run(advance=5.0)
    return harness


def test_every_metric_of_a_guest_has_twelve_series(harness):
    missing = {metric.name: len(harness.series(metric)) for metric in metrics.OF_A_VM}
    del missing["qemu_vm_outside_fitted_range"]  # the demo's model holds for all loads
    assert set(missing.values()) == {12}
    assert harness.value(metrics.VMS) == 12


def test_power_is_static_and_dynamic_and_gives_emissions(harness):
    for labels, watts in harness.series(metrics.VM_POWER).items():
        static, dynamic = (harness.series(part)[labels] for part in (metrics.VM_STATIC_POWER, metrics.VM_DYNAMIC_POWER))
        assert static > 0
        assert dynamic > 0
        assert watts == pytest.approx(static + dynamic)
        assert harness.series(metrics.VM_EMISSIONS_RATE)[labels] == pytest.approx(watts * 1.25 * 0.34)


def test_guests_do_not_draw_more_than_the_rack(harness):
    for _ in range(48):
        harness.run(advance=HOUR)
        harness.run(advance=5.0)
        rack, when = Rack(), harness.clock.time()
        draws = sum(rack.package_watts(when)) + rack.memory_watts(when)
        assert 0.5 * draws < sum(harness.series(metrics.VM_POWER).values()) < 1.02 * draws


def test_they_are_parts_of_the_processors_for_the_ledger(harness):
    meters = harness.collector.collector_energy_meters()
    assert len(meters) == 12
    assert {meter.inside for meter in meters} == {"cpu"}


def test_energy_goes_on_after_a_failure(harness):
    before = harness.series(metrics.VM_ENERGY)
    harness.collector.close()
    harness.collector.open()
    harness.run(advance=5.0)
    assert all(joules > before[labels] for labels, joules in harness.series(metrics.VM_ENERGY).items())
