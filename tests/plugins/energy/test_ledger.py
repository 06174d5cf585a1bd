"""What the ledger publishes beside joules: uncertainty, what is unattributed, cost and emissions."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from collector_core import Component, NotAvailable
from collector_core.metering import by_country
from collector_plugins.energy import Energy, metrics


@pytest.fixture
def cpu(source):
    return source("cpu", "package-0", "rapl")


def test_names_that_dashboards_use(run, cpu):
    text = run({cpu: 100}, country="DE", price_per_kwh=0.36).exposition()
    account = 'component="cpu",device="package-0",method="rapl"'
    assert f"energy_joules_total{{{account}}} 500.0" in text
    assert f"energy_power_watts{{{account}}} 100.0" in text
    assert 'energy_uncertainty_ratio{component="cpu",method="rapl"} 0.1' in text
    assert 'energy_meter_info{component="cpu",counts="true",device="package-0",method="rapl"} 1.0' in text
    assert 'energy_carbon_intensity_grams_per_kwh{source="our_world_in_data_2023",zone="DE"}' in text
    assert 'energy_emissions_grams_total{component="cpu"}' in text
    assert 'energy_cost_total{currency="EUR"}' in text
    assert "energy_pue_ratio 1.0" in text


def test_emissions_and_cost_are_those_of_the_energy_and_the_building(run, cpu):
    harness = run({cpu: 720}, carbon_intensity=50, pue=1.5, price_per_kwh=0.4, currency="CHF")
    kwh = 3600 * 1.5 / 3.6e6
    assert harness.value(metrics.EMISSIONS, component="cpu") == pytest.approx(50 * kwh)
    assert harness.value(metrics.COST, currency="CHF") == pytest.approx(0.4 * kwh)
    assert harness.value(metrics.INTENSITY, zone="", source="configured") == 50
    assert harness.value(metrics.PUE) == 1.5


def test_without_an_intensity_and_a_price_there_are_no_emissions_and_no_cost(run, cpu):
    harness = run({cpu: 100})
    for metric in (metrics.EMISSIONS, metrics.COST, metrics.INTENSITY, metrics.UNATTRIBUTED):
        assert harness.series(metric) == {}


def test_a_meter_that_does_not_count_is_shown_as_such(run, cpu, source):
    model = source("cpu", "cpu", "model")
    harness = run({cpu: 100, model: 300})
    assert harness.value(metrics.METER, component="cpu", device="cpu", method="model", counts="false") == 1
    assert list(harness.series(metrics.POWER).values()) == [100]


def test_a_component_of_somebody_elses_is_shown_and_counts_where_it_is_a_part_of_the_machine(run, cpu, source):
    greenhouse = source("greenhouse", "lamps", "clamp")
    accelerator = source("npu", "npu-0", "driver_counter", of_machine=True)
    harness = run({cpu: 100, greenhouse: 40, accelerator: 15})
    assert harness.value(metrics.METER, component="greenhouse", device="lamps", method="clamp", counts="false") == 1
    assert harness.value(metrics.METER, component="npu", device="npu-0", method="driver_counter", counts="true") == 1
    assert harness.value(metrics.POWER, component="npu", device="npu-0", method="driver_counter") == 15
    assert sum(harness.series(metrics.POWER).values()) == 115


def test_meters_that_do_not_count_are_shown_where_no_other_one_is(run, source):
    harness = run({source("plug", "heater", "meter"): 40})
    assert harness.value(metrics.METER, component="plug", device="heater", method="meter", counts="false") == 1
    assert harness.series(metrics.POWER) == {}


def test_what_guests_do_not_account_for_is_shown(run, cpu, source):
    guests = [source("cpu", name, "model", inside=Component.CPU) for name in ("web", "db")]
    harness = run({cpu: 100, guests[0]: 30, guests[1]: 25})
    assert harness.value(metrics.UNATTRIBUTED) == pytest.approx(45)
    assert "energy_unattributed_power_watts 45.0" in harness.exposition().splitlines()
    assert sum(harness.series(metrics.POWER).values()) == 100


def test_guests_that_claim_more_than_there_is_leave_nothing_to_say(run, cpu, source):
    guest = source("cpu", "web", "model", inside=Component.CPU)
    assert run({cpu: 100, guest: 130}).value(metrics.UNATTRIBUTED) is None


def test_without_any_meter_it_says_so_and_what_has_been_counted_stays_when_all_are_lost(ledger, cpu):
    harness = ledger(cpu)
    harness.run()
    assert harness.series(metrics.ENERGY) == {}
    with pytest.raises(NotAvailable, match="no collector hands over"):
        harness.run(advance=5)
    cpu.says(0, harness.clock.monotonic())
    harness.run()
    cpu.says(500, harness.clock.monotonic() + 5)
    harness.run(advance=5)
    harness.run(advance=3600)
    assert sum(harness.series(metrics.ENERGY).values()) == 500
    assert harness.series(metrics.POWER) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pue": 0.9}, "greater than or equal to 1"),
        ({"carbon_intensity": -1}, "greater than or equal to 0"),
        ({"country": "XX"}, "no carbon intensity is known for 'XX'"),
        ({"country": "DE", "carbon_intensity": 300}, "not both"),
        ({"prefer": "all"}, "'package' or 'psys'"),
        ({"price_per_kwh": float("inf")}, "finite"),
        ({"currency": "euro"}, "pattern"),
        ({"live": {"zone": "DE", "token": "x", "url": "http://example.org"}}, "https://"),
        ({"live": {"zone": "DE"}}, "live.token"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValidationError, match=re.escape(message)):
        Energy.config_type.model_validate(options)


@pytest.mark.parametrize(("code", "zone"), [("DE", "DE"), ("deu", "DE"), ("USA", "US"), ("fr", "FR")])
def test_countries_go_by_both_of_their_codes(code, zone):
    found = by_country(code)
    assert found.zone == zone
    assert 10 < found.grams_per_kwh < 1000
