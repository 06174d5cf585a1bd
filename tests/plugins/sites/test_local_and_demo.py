"""This machine as a site, and the simulated sites."""

from __future__ import annotations

import pytest

from collector_core import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_plugins.sites.demo import DemoSites
from tests.plugins.sites.conftest import NOW, moment


async def test_this_machine_is_a_site(serving):
    joules = {"now": 100.0}

    def latest():
        return EnergyReading(joules=joules["now"], time=client.harness.clock.monotonic())

    meters = [EnergyMeter(Component.CPU, "0", EnergyMethod.RAPL, 0.02, 5, latest, read=latest)]
    async with serving(now=NOW, local={"site": "home"}, energy_meters=lambda: meters) as client:
        await client.run()
        for _ in range(12):
            joules["now"] += 3000
            await client.run(advance=300)
        answer = await client.metrics("home", **{"from": moment(0), "to": moment(3600)})
    assert answer["energy_kwh"] == pytest.approx(12 * 3000 / 3.6e6)
    assert answer["power_watts"]["mean"] == pytest.approx(10)
    assert answer["gaps"] == []


def test_the_demo_has_three_sites_with_a_past(state, collector_harness):
    harness = collector_harness(DemoSites)
    harness.run()
    harness.run(advance=5)
    text = harness.exposition()
    for site in ("solar-west", "hydro-north", "grid-east"):
        assert f'sites_power_watts{{site="{site}"}}' in text
        assert f'sustainability_score{{entity="{site}"}}' in text
