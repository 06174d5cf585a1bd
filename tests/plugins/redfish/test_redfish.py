"""A BMC on loopback that refuses, is slow, and comes back; options."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_plugins.redfish import Config, Redfish, metrics
from collector_plugins.redfish.bmc import CHASSIS, LOOK_AGAIN, Bmc
from tests.plugserver import PlugServer

GOOD = {"name": "node", "url": "https://192.0.2.7", "username": "monitor", "password": "secret"}
DOCUMENTS = {
    CHASSIS: {"Members": [{"@odata.id": f"{CHASSIS}/1"}]},
    f"{CHASSIS}/1": {"EnvironmentMetrics": {"@odata.id": f"{CHASSIS}/1/EnvironmentMetrics"}},
    f"{CHASSIS}/1/EnvironmentMetrics": {"PowerWatts": {"Reading": 200}, "EnergykWh": {"Reading": 1}},
}


class BmcServer(PlugServer):
    """Serves `DOCUMENTS` but those that are `missing`, or `garbled`, or one status."""

    missing = garbled = frozenset()

    def answer(self, path):
        if path in self.missing:
            return 404, b"{}"
        if path in self.garbled:
            return 200, b'{"Temperatures": [{'
        return self.status, json.dumps(DOCUMENTS.get(path, {})).encode()


@pytest.fixture
def bmc():
    with BmcServer() as server:
        yield server


@pytest.fixture
def harness(collector_harness, bmc):
    return collector_harness(Redfish, devices=[GOOD | {"url": bmc.url, "feeds": ["host"]}])


def test_what_does_not_change_is_asked_once_and_each_run_costs_one_request(harness, bmc):
    for _ in range(3):
        harness.run(advance=15)
    assert harness.value(metrics.POWER, device="node") == 200
    assert harness.value(metrics.ENERGY, device="node") == 3.6e6
    assert len(bmc.asked) == 2 + 3
    assert bmc.asked[0][1] == "Basic bW9uaXRvcjpzZWNyZXQ="
    (meter,) = harness.collector.collector_energy_meters()
    assert (meter.feeds, meter.supply.name, meter.latest().joules) == (("host",), "CHASSIS", pytest.approx(6000))


def test_temperatures_that_are_garbled_cost_the_power_nothing(harness, bmc, monkeypatch):
    thermal = f"{CHASSIS}/1/Thermal"
    chassis = DOCUMENTS[f"{CHASSIS}/1"] | {"Thermal": {"@odata.id": thermal}}
    monkeypatch.setitem(DOCUMENTS, f"{CHASSIS}/1", chassis)
    bmc.garbled = {thermal}
    harness.run()
    assert harness.value(metrics.POWER, device="node") == 200
    assert thermal in bmc.paths
    assert harness.series(metrics.TEMPERATURE) == {}


def test_temperatures_and_limits_are_asked_for_at_every_fourth_reading(harness, bmc, monkeypatch):
    thermal, power = f"{CHASSIS}/1/Thermal", f"{CHASSIS}/1/Power"
    chassis = DOCUMENTS[f"{CHASSIS}/1"] | {"Thermal": {"@odata.id": thermal}, "Power": {"@odata.id": power}}
    limits = {"PowerControl": [{"PowerLimit": {"LimitInWatts": 500}}]}
    for path, document in {
        f"{CHASSIS}/1": chassis,
        thermal: {"Temperatures": [{"Name": "Inlet", "ReadingCelsius": 21}]},
        power: limits,
    }.items():
        monkeypatch.setitem(DOCUMENTS, path, document)
    for _ in range(9):
        harness.run(advance=15)
        assert harness.value(metrics.TEMPERATURE, device="node", sensor="Inlet") == 21
        assert harness.value(metrics.POWER_LIMIT, device="node") == 500
    assert (bmc.paths.count(thermal), bmc.paths.count(power)) == (3, 3)


def test_a_refused_login_is_not_tried_again(harness, bmc):
    bmc.status = 401
    for _ in range(5):
        harness.run(advance=100)
    assert len(bmc.asked) == 1
    assert harness.value(metrics.HEALTH.unavailable, device="node", reason="auth") == 1


def test_one_that_fails_comes_back(harness, bmc):
    bmc.status = 503
    harness.run()
    assert harness.value(metrics.HEALTH.up, device="node") == 0
    bmc.status = 200
    harness.run(advance=60)
    assert harness.value(metrics.HEALTH.up, device="node") == 1


def test_what_a_bmc_lacked_while_it_started_is_found_later(harness, bmc, monkeypatch):
    environment = f"{CHASSIS}/1/EnvironmentMetrics"
    monkeypatch.setattr(bmc, "missing", {environment})
    harness.run()
    assert harness.value(metrics.HEALTH.up, device="node") == 1
    assert harness.value(metrics.POWER, device="node") is None
    monkeypatch.setattr(bmc, "missing", set())
    for _ in range(LOOK_AGAIN):
        harness.run(advance=15)
    assert harness.value(metrics.POWER, device="node") == 200
    assert len([path for path in bmc.paths if path == CHASSIS]) == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"url": "https://192.0.2.7/redfish/v1"}, "without a path"),
        ({"url": "192.0.2.7"}, "without a path"),
        ({"url": "https://me:secret@192.0.2.7"}, "use `username`"),
        ({"password": None}, "valid string"),
    ],
)
def test_a_bmc_that_cannot_work_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message) as caught:
        Config.model_validate({"devices": [GOOD | wrong]})
    assert "secret" not in str(caught.value)


LEAF = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.just({"@odata.id": f"{CHASSIS}/1/x"})
KEYS = st.sampled_from(
    ["PowerControl", "PowerConsumedWatts", "Temperatures", "Name", "ReadingCelsius", "Reading", "Power"]
)
JSON = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner), max_leaves=10)


@given(JSON, JSON)
def test_whatever_a_bmc_says_is_power_or_nothing(chassis, document):
    import asyncio

    async def get(path):
        if path == CHASSIS:
            return DOCUMENTS[CHASSIS]
        return chassis if path == f"{CHASSIS}/1" else document

    found = asyncio.run(Bmc().read(get))
    assert found.power is None or 0 <= found.power <= 1e6
