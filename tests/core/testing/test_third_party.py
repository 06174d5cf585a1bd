"""A plugin in words of its own keeps the contract, is published and is counted."""

from collector_core.energy import Ledger
from collector_core.testing import assert_plugin_contract
from tests.third_party import greenhouse
from tests.third_party.greenhouse import Greenhouse


def test_it_keeps_the_contract():
    assert_plugin_contract(Greenhouse)


def test_every_unit_is_published_with_its_values(collector_harness):
    harness = collector_harness(Greenhouse)
    harness.run()
    assert harness.value(greenhouse.APPARENT, plug="lamps") == 46
    assert harness.value(greenhouse.VOLTAGE, plug="fan") == 230
    assert 'greenhouse_reactive_power_volt_amperes_reactive{plug="fan"} 6.84' in harness.exposition()
    assert "greenhouse_light_lux 12000.0" in harness.exposition()


def test_its_meters_are_no_part_of_the_machine(collector_harness):
    harness = collector_harness(Greenhouse)
    harness.run()
    meters = harness.collector.collector_energy_meters()
    assert [meter.name for meter in meters] == ["greenhouse lamps (clamp)", "greenhouse fan (clamp)"]
    assert Ledger().update(meters, harness.clock.monotonic()) == {}
