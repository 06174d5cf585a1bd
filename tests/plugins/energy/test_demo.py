"""The real ledger with a demo's price, country and building."""

import pytest

from collector_core import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_plugins.energy import metrics
from collector_plugins.energy.demo import DemoEnergy

KWH = 3.6e6


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
