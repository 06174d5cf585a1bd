"""The real ledger with a demo's price, country and building."""

from contextlib import ExitStack, closing

import pytest

from collector_core import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_core.testing import FakeClock, Harness
from collector_plugins.energy import metrics
from collector_plugins.energy.demo import DemoEnergy
from collector_plugins.solix.demo import DemoSolix

KWH = 3.6e6
MONDAY = 1_767_571_200.0
HOUR = 3600.0


def test_the_demo_has_a_price_and_emissions(collector_harness):
    readings = iter([EnergyReading(0.0, 1000.0), EnergyReading(KWH, 1010.0)])
    latest = [next(readings)]
    meter = EnergyMeter(
        Component.CPU, "package-0", EnergyMethod.RAPL, 0.05, 0.001, lambda: latest[0], read=lambda: latest[0]
    )
    harness = collector_harness(DemoEnergy, energy_meters=lambda: [meter])
    harness.run()
    latest[0] = next(readings)
    harness.run(advance=10.0)
    assert harness.value(metrics.COST, currency="EUR") == pytest.approx(1.25 * 0.32)
    assert 100 < harness.value(metrics.EMISSIONS, component="cpu") < 1000
    assert harness.value(metrics.PUE) == 1.25
    assert harness.series(metrics.INTENSITY)


def started(stack, when):
    """The demo's home and its ledger, as they are after their first two runs."""
    clock = FakeClock(wall_time=when)
    home = stack.enter_context(closing(Harness(DemoSolix, clock=clock)))
    ledger = Harness(
        DemoEnergy, clock=clock, published=home.published, energy_meters=home.collector.collector_energy_meters
    )
    for _ in range(2):
        home.run(advance=10.0)
        ledger.run()
    return stack.enter_context(closing(ledger))


@pytest.mark.parametrize("hour", range(0, 48, 3))
def test_the_carbon_of_the_mix_is_known_whenever_the_demo_starts(hour):
    with ExitStack() as stack:
        grams = started(stack, MONDAY + hour * HOUR).series(metrics.MIX).values()
    assert [0 <= each < 1000 for each in grams] == [True]
