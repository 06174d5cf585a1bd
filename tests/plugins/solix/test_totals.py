"""Power stations that report parts: what follows from them."""

import pytest

from collector_plugins.solix import metrics
from collector_plugins.solix.mapping import is_discharging, read_message, read_mqtt
from collector_plugins.solix.series import Series
from collector_plugins.solix.totals import with_totals
from tests.plugins.solix.conftest import FakeAccount

AC_AND_PORTS = {"ac_input_power_total": 0, "ac_output_power_total": 61, "dc_input_power_total": 4, "usbc_2_power": 9}
DC_ONLY = {"dc_input_power_total": 12, "photovoltaic_power": 12, "dc_output_power_total": 30, "usba_1_power": 30}
BY_CHANNEL = {"ac_input_power": 20, "pv_1_power": 55, "pv_2_power": 45, "ac_output_power": 300, "dc_output_power": 7}
AC_ONLY = {"ac_input_power": 0, "ac_output_power": 75}
PORTS_ALONE = {"dc_input_power": 3, "usbc_1_power": 18, "usbc_4_power": 2, "dc_12v_2_power": 10}
USB_TOGETHER = {"ac_input_power": 0, "ac_output_power": 40, "usb_power": 5, "usbc_1_power": 5}


@pytest.mark.parametrize(
    ("values", "into", "out"),
    [
        (AC_AND_PORTS, 4, 70),
        (DC_ONLY, 12, 30),
        (BY_CHANNEL, 120, 307),
        (AC_ONLY, 0, 75),
        (PORTS_ALONE, 3, 30),
        (USB_TOGETHER, 0, 45),
        ({**BY_CHANNEL, "output_power_total": 310, "input_power_total": 118}, 118, 310),
    ],
)
@pytest.mark.parametrize("kind", ["pps", "solarbank_pps"])
def test_input_and_output_follow_from_the_parts_that_a_model_reports(kind, values, into, out):
    found = read_mqtt(kind, {"battery_soc": 40, **values})

    assert found[Series(metrics.INPUT)] == into
    assert found[Series(metrics.OUTPUT)] == out
    assert is_discharging(found)


def test_a_station_that_takes_more_than_it_gives_is_not_discharging():
    found = read_mqtt("pps", {"battery_soc": 40, "dc_input_power_total": 80, "dc_output_power_total": 10})

    assert is_discharging(found) is False


def test_where_nothing_says_what_comes_in_nobody_knows_whether_it_discharges():
    assert is_discharging(read_mqtt("pps", {"battery_soc": 40, "ac_output_power": 10})) is None


def test_the_solar_power_is_that_of_all_inputs():
    assert read_mqtt("pps", BY_CHANNEL)[Series(metrics.SOLAR)] == 100
    assert read_mqtt("solarbank", {"pv_1_power": 10, "pv_4_power": 5})[Series(metrics.SOLAR)] == 15
    assert read_mqtt("pps", {**BY_CHANNEL, "photovoltaic_power": 99})[Series(metrics.SOLAR)] == 99


def test_a_port_that_charges_the_station_gives_nothing():
    values = {"dc_input_power": 60, "usbc_1_power": 60, "usbc_1_status": 2, "usbc_2_power": 15, "usbc_2_status": 1}

    found = read_mqtt("pps", values)

    assert found[Series(metrics.PORT, "usbc_1")] == 0
    assert found[Series(metrics.OUTPUT)] == 15


def test_a_port_that_charges_the_station_is_its_input_where_no_other_is_told():
    values = {"battery_soc": 50, "usbc_1_power": 60, "usbc_1_status": 2, "usba_1_power": 15}

    found = read_mqtt("pps", values)

    assert (found[Series(metrics.INPUT)], found[Series(metrics.OUTPUT)]) == (60, 15)
    assert is_discharging(found) is False


def test_a_power_panel_gets_no_input():
    assert Series(metrics.INPUT) not in read_mqtt("powerpanel", {"photovoltaic_power": 500})


def test_parts_of_several_messages_are_added():
    cached = read_message("pps", {"ac_input_power": 5}) | read_message("pps", {"pv_1_power": 7, "ac_output_power": 90})

    found = with_totals("pps", cached)

    assert (found[Series(metrics.INPUT)], found[Series(metrics.OUTPUT)]) == (12, 90)


def test_an_inlet_told_in_another_message_stays_in_the_input(solix):
    account = FakeAccount(devices={"X": {"type": "pps", "device_pn": "A1723", "mqtt_supported": True}})
    harness = solix(account)
    labels = {"device": "X", "model": "A1723", "name": ""}
    harness.run()
    account.receive("X", {"battery_soc": 20, "ac_input_power_total": 50, "ac_output_power_total": 30})
    account.receive("X", {"dc_input_power_total": 10, "usbc_1_power": 5})

    harness.run(advance=10)

    assert harness.value(metrics.INPUT, **labels) == 60
    assert harness.value(metrics.OUTPUT, **labels) == 35
    assert harness.value(metrics.LOW, **labels) == 0
    account.receive("X", {"ac_input_power_total": 0, "ac_output_power_total": 30})
    harness.run(advance=10)
    assert harness.value(metrics.DISCHARGING, **labels) == 1
    assert harness.value(metrics.LOW, **labels) == 1
    assert harness.value(metrics.FAST) == 1


@pytest.mark.parametrize("pack", ["exp_1", "exp_6", "exp_11"])
def test_every_expansion_battery_has_its_charge_and_temperature(pack):
    found = read_mqtt("pps", {"main_battery_soc": 80, f"{pack}_soc": 20, f"{pack}_temperature": 31})

    assert found[Series(metrics.PACK_CHARGE, pack)] == pytest.approx(0.2)
    assert found[Series(metrics.PACK_TEMPERATURE, pack)] == 31
    assert metrics.PACK_TEMPERATURE.name == "solix_battery_pack_temperature_celsius"
    assert found[Series(metrics.CHARGE)] == pytest.approx(0.5)


def test_an_expansion_battery_that_is_not_plugged_in_is_absent():
    found = read_mqtt("pps", {"main_battery_soc": 80, "expansion_packs": 1, "exp_1_soc": 0, "exp_2_soc": 0})

    assert Series(metrics.PACK_CHARGE, "exp_1") in found
    assert Series(metrics.PACK_CHARGE, "exp_2") not in found


def test_a_power_dock_shows_the_home():
    values = {
        "battery_soc_total": 51,
        "battery_power_signed_total": 320,
        "pv_power_total": 900,
        "grid_power_signed": -80,
    }

    found = read_mqtt("combiner_box", {**values, "home_demand_total": 500, "home_demand_circuit_total": 410})

    assert found == {
        Series(metrics.CHARGE): pytest.approx(0.51),
        Series(metrics.CHARGE_POWER): 320,
        Series(metrics.DISCHARGE_POWER): 0,
        Series(metrics.SOLAR): 900,
        Series(metrics.GRID_IMPORT): 0,
        Series(metrics.GRID_EXPORT): 80,
        Series(metrics.HOME_LOAD): 500,
    }


def test_chargers_show_what_they_give():
    wallbox = read_mqtt("ev_charger", {"bat_charge_power": 3600, "charging_energy": 2})
    desk = read_mqtt("charger", {"usbc_1_power": 60, "usba_2_power": 5})

    assert {series.metric.name: value for series, value in wallbox.items()} == {
        "solix_ev_charger_power_watts": 3600,
        "solix_ev_charger_energy_joules_total": 7.2e6,
    }
    assert desk[Series(metrics.OUTPUT)] == 65


@pytest.mark.parametrize(
    ("kind", "said"), [("powercooler", "powercooler"), ("generator", "generator"), (None, "unknown")]
)
def test_a_class_that_is_not_supported_is_named_once(solix, caplog, kind, said):
    account = FakeAccount(devices={"X": {"type": kind, "device_pn": "A17A4"}})
    harness = solix(account)
    harness.run()
    harness.run(advance=10)

    lines = [record.getMessage() for record in caplog.records if "not supported" in record.getMessage()]
    assert len(lines) == 1
    assert f"class {said} (A17A4)" in lines[0]
    assert harness.value(metrics.DEVICE_INFO, device="X", model="A17A4", name="", type=kind or "", firmware="") == 1


@pytest.mark.parametrize("kind", ["combiner_box", "ev_charger", "pps"])
def test_a_class_that_is_supported_is_not(solix, caplog, kind):
    harness = solix(FakeAccount(devices={"X": {"type": kind, "device_pn": "A"}}))
    harness.run()

    assert "not supported" not in caplog.text
