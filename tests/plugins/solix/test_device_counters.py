"""Counters of devices: told as 0 once, lowered a little, started anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.testing import FakeClock
from collector_plugins.solix import metrics
from collector_plugins.solix.device_counters import DeviceCounters
from collector_plugins.solix.series import Series
from tests.plugins.solix.conftest import FakeAccount

IMPORT = Series(metrics.IMPORT_ENERGY)
KWH = 3.6e6


def totals(readings, every=10.0):
    counters, clock = DeviceCounters(), FakeClock()
    found = []
    for kwh in readings:
        clock.advance(every)
        found.append(counters.correct("D", {IMPORT: kwh * KWH}, clock.monotonic())[IMPORT] / KWH)
    return found


@pytest.mark.parametrize(
    ("told", "published"),
    [
        ([300.5, 300.51, 0, 300.52], [300.5, 300.51, 300.51, 300.52]),
        ([300.5, 300.51, 150, 300.52], [300.5, 300.51, 300.51, 300.52]),
        ([300.5, 300.51, 300.5, 300.52], [300.5, 300.51, 300.51, 300.52]),
        ([300.5, 300.51, 0, 0, 0.01, 0.02], [300.5, 300.51, 300.51, 300.51, 300.52, 300.53]),
        ([0, 300.5, 300.5, 300.51], [0, 0, 0, 0.01]),
    ],
)
def test_a_counter_never_falls_and_counts_nothing_twice(told, published):
    assert totals(told) == pytest.approx(published)


@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_whatever_is_told_no_counter_falls(told):
    found = totals(told)
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("kind", "field", "metric"),
    [
        ("smartmeter", "grid_import_energy", metrics.IMPORT_ENERGY),
        ("smartmeter", "grid_export_energy", metrics.EXPORT_ENERGY),
        ("smartplug", "output_energy", metrics.PLUG_ENERGY),
        ("solarbank", "pv_yield", metrics.SOLAR_ENERGY),
        ("solarbank", "charged_energy", metrics.CHARGED_ENERGY),
        ("solarbank", "discharged_energy", metrics.DISCHARGED_ENERGY),
        ("solarbank", "output_energy", metrics.OUTPUT_ENERGY),
        ("ev_charger", "charging_energy", metrics.EV_ENERGY),
    ],
)
def test_a_counter_that_a_device_tells_as_0_once_stays(solix, kind, field, metric):
    account = FakeAccount(devices={"D": {"type": kind, "device_pn": "M", "mqtt_supported": True}})
    harness = solix(account)
    harness.run()
    seen = []
    for kwh in (41.5, 0, 41.6):
        account.receive("D", {field: kwh})
        harness.run(advance=10)
        seen.append(harness.value(metric, device="D", model="M", name="") / KWH)

    assert seen == pytest.approx([41.5, 41.5, 41.6])


def test_a_device_that_is_gone_is_forgotten():
    counters = DeviceCounters()
    counters.correct("D", {IMPORT: 100.0}, 0)
    counters.keep_devices(["E"])

    assert counters.correct("D", {IMPORT: 7.0}, 10) == {IMPORT: 7.0}


def test_what_is_no_counter_stays_as_it_is():
    assert DeviceCounters().correct("D", {Series(metrics.CHARGE): 0.5}, 0) == {Series(metrics.CHARGE): 0.5}
