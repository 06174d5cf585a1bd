"""The tables: names, signs, units and what is not a reading."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Unit
from collector_plugins.solix import mapping, metrics
from collector_plugins.solix.fields import read
from collector_plugins.solix.mapping import read_mqtt, read_rest
from collector_plugins.solix.series import Series
from collector_plugins.solix.tables import SITE, SITE_ENERGY, TABLES

ALL_FIELDS = [field for table in TABLES.values() for field in (*table.rest, *table.mqtt)] + [
    *SITE,
    *SITE_ENERGY,
]
TOLD = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.floats().map(str) | st.text(max_size=6) | st.just({})
)
NAMES = sorted({field.name for field in ALL_FIELDS if "." not in field.name} | {"grid_status", "exp_1_soc"})


def by_name(found):
    return {
        (f"{series.metric.name}[{series.label}]" if series.label else series.metric.name): v
        for series, v in found.items()
    }


def test_a_solarbank_of_the_cloud():
    device = {
        "battery_soc": "39",
        "battery_capacity": "3200",
        "battery_energy": "1248",
        "input_power": "741",
        "output_power": "",
        "charging_power": "741",
        "solar_power_1": "191",
        "solar_power_2": "--",
        "to_home_load": "0",
    }
    assert by_name(read_rest("solarbank", device)) == {
        "solix_battery_charge_ratio": pytest.approx(0.39),
        "solix_battery_capacity_joules": 3200 * 3600,
        "solix_battery_energy_joules": 1248 * 3600,
        "solix_solar_power_watts": 741,
        "solix_input_power_watts": 741,
        "solix_battery_charge_power_watts": 741,
        "solix_battery_discharge_power_watts": 0,
        "solix_solar_channel_power_watts[1]": 191,
        "solix_to_home_power_watts": 0,
    }


@pytest.mark.parametrize(("signed", "charge", "discharge"), [("-279", 0, 279), ("741", 741, 0), ("0", 0, 0)])
def test_charging_power_is_signed(signed, charge, discharge):
    found = read_rest("solarbank", {"charging_power": signed})
    assert found == {Series(metrics.CHARGE_POWER): charge, Series(metrics.DISCHARGE_POWER): discharge}


def test_the_capacity_is_no_charge():
    assert Series(metrics.CHARGE) not in read_rest("pps", {"battery_capacity": "3840"})


def test_the_clouds_own_names_for_a_charge_are_not_taken_for_watts():
    assert read_rest("solarbank", {"battery_power": "75", "total_battery_power": "0.75"}) == {}
    site = {"solarbank_info": {"total_battery_power": "0.75", "total_charging_power": "-100"}}
    assert by_name(read(SITE, site)) == {
        "solix_site_battery_charge_ratio": 0.75,
        "solix_site_battery_charge_power_watts": 0,
        "solix_site_battery_discharge_power_watts": 100,
    }


@pytest.mark.parametrize("name", ["batt_soc", "solar_power", "discharging_power", "grid_power"])
def test_names_that_do_not_exist_are_not_looked_for(name):
    assert name not in {field.name for field in ALL_FIELDS}
    assert all(read_rest(kind, {name: "50"}) == {} and read_mqtt(kind, {name: 50}) == {} for kind in TABLES)


@pytest.mark.parametrize(("unit", "factor"), [("kW", 1000), ("KW", 1000), ("W", 1), (None, 1000)])
def test_averages_are_in_the_unit_beside_them(unit, factor):
    averages = {"state_of_charge": "17", "home_usage_avg": "4.11", "grid_import_avg": "4.11", "power_unit": unit}
    found = read_rest("powerpanel", {"average_power": averages})
    assert found[Series(metrics.HOME_LOAD)] == pytest.approx(4.11 * factor)
    assert found[Series(metrics.CHARGE)] == pytest.approx(0.17)


def test_a_power_station_over_mqtt():
    values = {"battery_soc": 62, "bat_charge_power": 301, "output_power_total": 812, "ac_output_power": 800}
    values |= {"ac_input_power": 0, "photovoltaic_power": 301, "remaining_time_hours": 1.5, "temperature": 25}
    found = read_mqtt("pps", values)
    assert found[Series(metrics.INPUT)] == 301
    assert found[Series(metrics.OUTPUT)] == 812
    assert found[Series(metrics.REMAINING)] == 5400
    assert Series(metrics.CHARGE_POWER) not in found, "it tells no power of the battery itself"
    assert mapping.is_discharging(found)


def test_a_power_station_that_tells_no_totals():
    values = {"ac_input_power": 100, "dc_input_power": 60, "photovoltaic_power": 60, "main_battery_soc": 100}
    values |= {"exp_1_soc": 20, "expansion_packs": 1, "output_power_total": 57}
    found = read_mqtt("pps", values)
    assert found[Series(metrics.CHARGE)] == pytest.approx(0.60)
    assert found[Series(metrics.INPUT)] == 160
    assert found[Series(metrics.PACK_CHARGE, "exp_1")] == pytest.approx(0.20)


@pytest.mark.parametrize(
    ("packs", "charge"),
    [
        ({"exp_1_soc": 0, "expansion_packs": 0}, 0.8),
        ({"exp_1_soc": 0}, 0.8),
        ({"exp_1_soc": 40}, 0.6),
        ({"exp_1_soc": 0, "expansion_packs": 1}, 0.4),
        ({"expansion_packs": 99}, 0.8),
        ({"expansion_packs": -1}, 0.8),
    ],
)
def test_the_charge_of_packs_is_that_of_those_which_are_there(packs, charge):
    assert read_mqtt("pps", {"main_battery_soc": 80, **packs})[Series(metrics.CHARGE)] == pytest.approx(charge)


def test_a_total_that_is_told_counts():
    assert read_mqtt("pps", {"main_battery_soc": 80, "battery_soc": 70})[Series(metrics.CHARGE)] == pytest.approx(0.7)


def test_a_power_panel_over_mqtt():
    values = {"battery_power_signed": 2296, "grid_power_signed": -3705, "ac_output_power": 1409, "grid_status": 1}
    found = by_name(read_mqtt("powerpanel", {**values, "device_1_soc": 61, "pv_yield_today": 6.293}))
    assert found == {
        "solix_battery_charge_power_watts": 2296,
        "solix_battery_discharge_power_watts": 0,
        "solix_grid_import_power_watts": 0,
        "solix_grid_export_power_watts": 3705,
        "solix_home_load_power_watts": 1409,
        "solix_grid_connected": 0,
        "solix_battery_pack_charge_ratio[device_1]": pytest.approx(0.61),
        "solix_energy_today_joules[solar]": pytest.approx(6.293 * 3.6e6),
    }


def test_a_plug_that_is_off_is_at_zero():
    assert read_rest("smartplug", {"current_power": "0"}) == {Series(metrics.PLUG): 0}
    assert read_mqtt("smartplug", {"power": 0, "voltage": 231.4, "current": 0})[Series(metrics.PLUG)] == 0


def test_zeros_of_a_battery_that_sleeps_are_no_readings():
    assert read_mqtt("pps", {"battery_soc": 0, "output_power_total": 0, "temperature": 0}) == {}
    assert read_mqtt("pps", {"battery_soc": 0, "output_power_total": 0, "temperature": 21}) != {}
    assert read_mqtt("pps", {"battery_soc": 1, "output_power_total": 0, "temperature": 0}) != {}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("solarbank", {"battery_soc": 101}),
        ("solarbank", {"battery_soc": -1}),
        ("solarbank", {"temperature": 3000}),
        ("solarbank", {"photovoltaic_power": 1e9}),
        ("solarbank", {"pv_yield": -1}),
    ],
)
def test_what_cannot_be_is_left_out(kind, values):
    assert read_mqtt(kind, values) == {}


def test_a_class_without_a_table_has_no_metrics():
    assert read_rest("powercooler", {"battery_soc": "50"}) == {}
    assert read_mqtt("", {"battery_soc": 50}) == {}


@given(st.sampled_from([*TABLES, "vehicle", ""]), st.dictionaries(st.sampled_from(NAMES), TOLD, max_size=8))
def test_whatever_is_told_gives_possible_values(kind, values):
    for found in (read_rest(kind, values), read_mqtt(kind, values)):
        mapping.is_discharging(found)
        for (metric, label), value in found.items():
            assert math.isfinite(value)
            assert metric in metrics.ALL
            assert bool(label) == (len(metric.labels) > len(metrics.LABELS))
            assert metric.unit is not Unit.RATIO or 0 <= value <= 1
            assert metric.kind != "counter" or value >= 0


def test_every_field_fits_its_metric():
    for field in ALL_FIELDS:
        assert field.metric in metrics.OF_A_DEVICE
        assert bool(field.label) == (len(field.metric.labels) > len(metrics.LABELS)), field


def test_every_metric_of_a_device_comes_from_a_table():
    derived = {metrics.GRID_CONNECTED}
    assert {field.metric for field in ALL_FIELDS} | derived == set(metrics.OF_A_DEVICE)
