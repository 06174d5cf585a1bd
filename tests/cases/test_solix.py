"""The recorded cases about batteries and their accounts."""

import json

import pytest

from collector_core.testing import FakeClock
from collector_plugins.solix import metrics
from collector_plugins.solix.login_lock import LoginLock, told_lock
from collector_plugins.solix.mapping import is_discharging, read_mqtt
from collector_plugins.solix.series import Series
from tests.plugins.solix.conftest import FakeAccount, solix

__all__ = ["solix"]  # a fixture


def read(folder, name):
    device = json.loads((folder / name).read_text(encoding="utf-8"))
    return read_mqtt(device["type"], device["mqtt"])


def shown(solix, device, *messages):
    """What the collector shows after messages of a device, by the metric's name."""
    account = FakeAccount(devices={"D": {"type": device["type"], "device_pn": device["model"], "mqtt_supported": True}})
    harness = solix(account)
    harness.run()
    for message in messages:
        account.receive("D", message)
        harness.run(advance=10)
        yield {
            (metric.name, *labels[3:]): value
            for metric in metrics.ALL
            for labels, value in harness.series(metric).items()
        }


def shown_of(solix, folder, name):
    device = json.loads((folder / name).read_text(encoding="utf-8"))
    return next(shown(solix, device, device["mqtt"]))


def test_solix_stations_without_totals(case, solix):
    folder = case("svc/solix-stations-without-totals")
    f3000 = shown_of(solix, folder, "f3000.json")
    assert f3000["solix_input_power_watts",] == 200
    assert f3000["solix_solar_power_watts",] == 200
    assert f3000["solix_output_power_watts",] == 425
    assert f3000["solix_battery_discharging",] == f3000["solix_battery_low",] == 1

    c300x = shown_of(solix, folder, "c300x-dc.json")
    assert c300x["solix_input_power_watts",] == 0
    assert c300x["solix_output_power_watts",] == 38
    assert c300x["solix_battery_discharging",] == c300x["solix_battery_low",] == 1


def test_solix_sixth_battery(case, solix):
    found = shown_of(solix, case("svc/solix-sixth-battery"), "f3800plus.json")
    assert found["solix_battery_pack_charge_ratio", "exp_6"] == pytest.approx(0.4)
    assert len([key for key in found if key[0] == "solix_battery_pack_charge_ratio"]) == 7


def test_solix_classes_without_a_table(case):
    folder = case("svc/solix-classes-without-a-table")
    dock = read(folder, "power-dock.json")
    assert dock[Series(metrics.CHARGE)] == pytest.approx(0.64)
    assert dock[Series(metrics.DISCHARGE_POWER)] == 1200
    assert dock[Series(metrics.SOLAR)] == 0
    assert dock[Series(metrics.GRID_IMPORT)] == 30
    assert dock[Series(metrics.HOME_LOAD)] == 1230
    assert is_discharging(dock)
    assert read(folder, "ev-charger.json")[Series(metrics.EV_POWER)] == 7200


def test_solix_counter_told_as_0(case, solix):
    device = json.loads((case("svc/solix-counter-told-as-0") / "meter.json").read_text(encoding="utf-8"))
    seen = list(shown(solix, device, *device["mqtt_messages"]))
    imported = [each["solix_grid_import_energy_joules_total",] for each in seen]
    assert imported == pytest.approx([2924424000, 2924424000, 2924460000])


def test_solix_login_locked_for_an_hour(case, tmp_path):
    body = (case("svc/solix-login-locked-for-an-hour") / "login.json").read_bytes()
    clock = FakeClock()
    lock = LoginLock(tmp_path / "lock.json", clock)
    for hours in (1, 2, 4):
        lock.lock(told_lock(body))
        clock.advance(hours * 3600 - 1)
        assert lock.seconds_left
        clock.advance(100)
        assert not lock.seconds_left
