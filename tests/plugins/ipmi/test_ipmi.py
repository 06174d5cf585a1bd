"""The real ipmitool and a simulated BMC; what it prints; options."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import AuthFailed, NotAvailable
from collector_plugins.ipmi import Config, Ipmi, metrics
from collector_plugins.ipmi.ipmitool import parse_power, parse_sensors
from tests.plugins.ipmi.simulator import Simulator

GOOD = {"name": "node", "address": "192.0.2.7", "username": "monitor", "password": "secret"}


@pytest.fixture(scope="module")
def bmc():
    pytest.importorskip("pyghmi")
    if shutil.which("ipmitool") is None:
        message = "ipmitool is not installed: python tests/services.py install"
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)
    with Simulator("dcmi") as started:
        yield started


@pytest.fixture
def harness(bmc, collector_harness):
    def make(**more):
        device = GOOD | {"address": f"127.0.0.1:{bmc.port}", "feeds": ["host"]} | more
        made = collector_harness(Ipmi, timeout=60.0, devices=[device])
        made.collector._sessions.clear()  # as without `cryptography`
        return made

    return make


def test_the_real_ipmitool_reads_a_bmc(harness, eventually):
    made = harness()

    def has_answered():
        made.run(advance=120)
        return made.value(metrics.HEALTH.up, device="node") == 1

    eventually(has_answered)
    assert made.value(metrics.POWER, device="node") == 183
    (meter,) = made.collector.collector_energy_meters()
    assert (meter.feeds, meter.supply.name) == (("host",), "CHASSIS")


def test_a_wrong_password_is_refused_and_not_tried_again(harness, eventually):
    made = harness(password="wrong")

    def is_refused():
        made.run(advance=120)
        return made.value(metrics.HEALTH.unavailable, device="node", reason="auth") == 1

    eventually(is_refused)
    assert made.collector._targets._targets[0].refused


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"interface": "open"}, "no address and no login"),
        ({"password": None}, "needs `address`"),
        ({"address": None}, "needs `address`"),
        ({"address": "-x"}, "must not begin with -"),
        ({"username": "-E"}, "pattern"),
        ({"interface": "serial"}, "'lanplus'"),
    ],
)
def test_a_bmc_that_cannot_work_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message) as caught:
        Config.model_validate({"devices": [GOOD | wrong]})
    assert "secret" not in str(caught.value)


@given(st.text(max_size=200))
def test_whatever_is_printed_is_watts_or_a_reason(text):
    try:
        assert parse_power(text) is None or parse_power(text) > 0
    except (NotAvailable, AuthFailed) as error:
        assert error.fix


def test_sensors_that_a_bmc_does_not_have_cost_no_power(harness, eventually):
    made = harness(sensors=True)

    def has_answered():
        made.run(advance=120)
        return made.value(metrics.POWER, device="node") == 183

    eventually(has_answered)
    assert made.series(metrics.TEMPERATURE) == {}


@given(st.text(alphabet="Temp |ok0123456789.-degrsCWat\n", max_size=120))
def test_whatever_is_printed_is_sensors_or_nothing(text):
    for values in parse_sensors(text):
        assert all(name and isinstance(value, float) for name, value in values.items())
