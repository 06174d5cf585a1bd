"""Recorded systems and MQTT dumps with what they should give, where they lie beside the checkout."""

from __future__ import annotations

import json

import pytest

from collector_plugins.solix import metrics
from collector_plugins.solix.mapping import read_mqtt, read_rest
from collector_plugins.solix.series import Series
from tests.plugins.solix.conftest import SHARED

pytestmark = [
    pytest.mark.skipif(not SHARED.exists(), reason="the shared fixtures are not beside this checkout"),
    pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS is deprecated"),
]

# The names that the expected files give to values → our series and the factor to its base unit.
SAME = {
    "ac_output_power_w": (metrics.OUTPUT, "", 1),
    "battery_capacity_wh": (metrics.CAPACITY, "", 3600),
    "battery_energy_wh": (metrics.STORED, "", 3600),
    "battery_soc_percent": (metrics.CHARGE, "", 0.01),
    "battery_charge_power_avg_w": (metrics.CHARGE_POWER, "", 1),
    "battery_discharge_power_avg_w": (metrics.DISCHARGE_POWER, "", 1),
    "grid_export_power_avg_w": (metrics.GRID_EXPORT, "", 1),
    "grid_import_power_avg_w": (metrics.GRID_IMPORT, "", 1),
    "grid_export_power_w": (metrics.GRID_EXPORT, "", 1),
    "grid_import_power_w": (metrics.GRID_IMPORT, "", 1),
    "home_load_power_avg_w": (metrics.HOME_LOAD, "", 1),
    "home_load_power_w": (metrics.HOME_LOAD, "", 1),
    "pv_power_w": (metrics.SOLAR, "", 1),
    "pv_power_avg_w": (metrics.SOLAR, "", 1),
    "plug_power_w": (metrics.PLUG, "", 1),
    "to_home_power_w": (metrics.TO_HOME, "", 1),
    **{f"pv{channel}_power_w": (metrics.SOLAR_CHANNEL, channel, 1) for channel in "1234"},
}
OF_A_SITE = {
    "home_load_power_w": (metrics.HOME_LOAD, 1),
    "pv_power_w": (metrics.SITE_SOLAR, 1),
    "output_power_w": (metrics.SITE_OUTPUT, 1),
    "battery_soc_percent": (metrics.SITE_CHARGE, 0.01),
}
MQTT_SAME = {
    "battery_soc": (metrics.CHARGE, "", 0.01),
    "photovoltaic_power": (metrics.SOLAR, "", 1),
    "temperature": (metrics.TEMPERATURE, "", 1),
    "output_power_total": (metrics.OUTPUT, "", 1),
    "ac_input_power": (metrics.AC_INPUT, "", 1),
    "usbc_1_power": (metrics.PORT, "usbc_1", 1),
    "pv_to_grid_power": (metrics.GRID_EXPORT, "", 1),
    "grid_import_energy": (metrics.IMPORT_ENERGY, "", 3.6e6),
    "grid_export_energy": (metrics.EXPORT_ENERGY, "", 3.6e6),
    "power": (metrics.PLUG, "", 1),
    "voltage": (metrics.PLUG_VOLTAGE, "", 1),
    "pv_yield": (metrics.SOLAR_ENERGY, "", 3.6e6),
    "pv_yield_today": (metrics.ENERGY_TODAY, "solar", 3.6e6),
    "device_1_soc": (metrics.PACK_CHARGE, "device_1", 0.01),
}
OF_HOMES = {"ac_output_power": (metrics.HOME_LOAD, "", 1)}
SIGNED = {
    "battery_power_w": (metrics.CHARGE_POWER, metrics.DISCHARGE_POWER),
    "battery_power_signed": (metrics.CHARGE_POWER, metrics.DISCHARGE_POWER),
    "grid_power_signed": (metrics.GRID_IMPORT, metrics.GRID_EXPORT),
}
SITE_SIGNED = {"battery_power_w": (metrics.SITE_CHARGE_POWER, metrics.SITE_DISCHARGE_POWER)}


def systems():
    return json.loads((SHARED / "expected.json").read_text()) if SHARED.exists() else {}


def folders(system):
    return [SHARED / "systems" / system, SHARED / "synthetic" / system]


def expected_of(said, same, signed):
    """What our series should be, from what an expected file says."""
    for name, value in said.items():
        if name in same:
            metric, label, factor = same[name]
            yield Series(metric, label), value * factor
        elif name in signed:
            positive, negative = signed[name]
            yield Series(positive), max(0, value)
            yield Series(negative), max(0, -value)


def shown(harness, key):
    """What the last run shows of a device, by series."""
    found = {}
    for metric in metrics.OF_A_DEVICE:
        for labels, value in harness.series(metric).items():
            if labels[0] == key:
                found[Series(metric, labels[3] if len(labels) > 3 else "")] = value
    return found


# The expected files have what the library rounds: whole watts and percents, thousandths of a kWh.
ROUNDED = {"watts": 0.51, "ratio": 0.0051, "joules": 1801, "celsius": 0.51}


def assert_shows(found, expected, rounded=False):
    assert expected
    for series, value in expected.items():
        tolerance = ROUNDED.get(series.metric.unit, 1e-9) if rounded else 1e-9
        assert found.get(series) == pytest.approx(value, abs=tolerance), (series.metric.name, series.label)


# With the tables alone


@pytest.mark.parametrize("system", systems())
def test_what_the_library_makes_of_a_device_is_mapped(system):
    for device in systems()[system]["devices"].values():
        raw = {name: str(value) for name, value in (device.get("raw") or {}).items()}
        found = read_rest(device["type"], raw)
        averages = {name for name in device["metrics"] if name.endswith("_avg_w")}
        said = {name: value for name, value in device["metrics"].items() if name not in averages}
        said.pop("battery_soc_percent" if averages else "", None)
        for series, value in expected_of(said, SAME, SIGNED):
            assert found[series] == pytest.approx(value), series


@pytest.mark.parametrize("system", systems())
def test_what_the_library_makes_of_messages_is_mapped(system):
    for device in systems()[system]["devices"].values():
        kind = device["type"]
        same = MQTT_SAME | (OF_HOMES if kind in {"powerpanel", "hes"} else {})
        if device.get("mqtt"):
            assert_shows(read_mqtt(kind, device.get("mqtt")), dict(expected_of(device.get("mqtt"), same, SIGNED)))


def test_every_step_of_the_dumps_is_mapped():
    kinds = {serial: device["type"] for system in systems().values() for serial, device in system["devices"].items()}
    steps = json.loads((SHARED / "expected_mqtt_steps.json").read_text())
    told = 0
    for file, lines in steps.items():
        kind = kinds.get(file.split("_")[2], "")
        for line in lines:
            found = read_mqtt(kind, line["values"])
            for name in ("battery_soc", "output_power_total", "power", "pv_to_grid_power"):
                if name in line["values"] and found:
                    metric, label, factor = MQTT_SAME[name]
                    assert found[Series(metric, label)] == pytest.approx(line["values"][name] * factor)
                    told += 1
    assert told >= 9


# With the real library


@pytest.mark.parametrize("system", systems())
def test_a_recorded_system_maps_to_what_is_expected(system, fake_cloud, live):
    fake_cloud(*folders(system))
    collector = live(mqtt=False)
    found = systems()[system]
    collector.run_until(lambda: set(found["devices"]) <= names(collector.harness, metrics.DEVICE_INFO))
    told = {serial for serial, device in found["devices"].items() if "battery_soc_percent" in device["metrics"]}
    collector.run_until(lambda: told <= names(collector.harness, metrics.CHARGE))
    for serial, device in systems()[system]["devices"].items():
        said = dict(device["metrics"])
        if device["model"] == "A1761":
            said.pop("battery_capacity_wh")  # its expansion battery is known from messages only
        if said:
            assert_shows(shown(collector.harness, serial), dict(expected_of(said, SAME, SIGNED)))
        assert any(labels[0] == serial for labels in collector.harness.series(metrics.DEVICE_INFO))
    for site_id, site in systems()[system]["sites"].items():
        same = {name: (metric, "", factor) for name, (metric, factor) in OF_A_SITE.items()}
        found = shown(collector.harness, site_id)
        expected = dict(expected_of(site["metrics"], same, SITE_SIGNED))
        if expected:
            assert_shows(found, expected)
        else:
            assert not {series.metric for series in found} - {metrics.ENERGY_TODAY}


def names(harness, metric):
    return {labels[0] for labels in harness.series(metric)}


def ages(harness):
    return [age for labels, age in harness.series(metrics.AGE).items() if labels[3] == "rest"]


def dumps(system):
    for folder in folders(system):
        for file in sorted(folder.glob("mqtt_msg_*.ndjson")):
            for line in file.read_text().splitlines():
                said = json.loads(line)
                yield said["msg_time"], said.pop("topic"), {name: said[name] for name in ("head", "payload")}


@pytest.mark.parametrize("system", [name for name in systems() if any(dumps(name))])
def test_recorded_messages_are_shown_in_base_units(system, fake_cloud, broker, devices, broker_port, live):
    cloud = fake_cloud(*folders(system))
    cloud.mqtt = broker.account
    broker_port(broker)
    collector = live()
    harness = collector.harness
    collector.run_until(lambda: harness.value(metrics.CONNECTED))
    collector.wait(1)
    messages = sorted(dumps(system), key=lambda each: each[0])
    for _, topic, text in messages:
        devices.send(topic, json.dumps(text))
    collector.run_until(lambda: harness.value(metrics.MESSAGES) == len(messages))
    for serial, device in systems()[system]["devices"].items():
        if device.get("mqtt"):
            same = MQTT_SAME | (OF_HOMES if device["type"] in {"powerpanel", "hes"} else {})
            assert_shows(shown(harness, serial), dict(expected_of(device["mqtt"], same, SIGNED)), rounded=True)
    harness.clock.monotonic_time += 700
    collector.run_until(lambda: all(age < 600 for age in ages(harness)))
    for serial, device in systems()[system]["devices"].items():
        if "battery_capacity_wh" in device["metrics"]:
            capacity = shown(harness, serial)[Series(metrics.CAPACITY)]
            assert capacity == device["metrics"]["battery_capacity_wh"] * 3600
