"""The whole program with the real anker-solix-api, an Anker cloud on loopback and mosquitto."""

import os
import urllib.request
from pathlib import Path

import pytest

from collector_plugins.solix import cloud as adapter
from tests.plugins.solix import broker as brokers
from tests.plugins.solix import frames
from tests.plugins.solix.fakecloud import EMAIL, LOGIN, PASSWORD, SCENE, SITES, USER_ID, FakeCloud, Fault

SOLIX = Path(__file__).parents[1] / "plugins/solix"
STATION = '{device="TESTF3800PLUS001",model="A1790P",name="Garage"'
BANK = '{device="TESTSB2SERIAL001",model="A17C1",name="Shed"'
SERIAL = "TESTF3800PLUS001"


@pytest.fixture
def home(require, tmp_path):
    """A cloud, a broker and devices, and the environment in which the program takes them for Anker's."""
    if absent := adapter.missing():
        pytest.skip(f"{absent.detail}: make test-solix ANKER_SOLIX_API=/path/to/its/checkout")
    if not brokers.program():
        require("mosquitto")
    folder = tmp_path / "broker"
    folder.mkdir()
    home = Home(FakeCloud(SOLIX / "accounts" / "home").start(), brokers.Broker(folder).start())
    yield home
    home.devices.close()
    home.broker.stop()
    home.cloud.stop()


class Home:
    def __init__(self, cloud, broker):
        self.cloud, self.broker = cloud, broker
        self.devices = brokers.Devices(broker)
        cloud.mqtt = broker.account
        self.charge = 62
        self.devices.when_asked(self.report)

    @property
    def env(self):
        return {
            "PYTHONPATH": str(SOLIX / "redirect"),
            "SOLIX_TEST_CLOUD": self.cloud.url,
            "SOLIX_TEST_KEY": self.cloud.public_key,
            "SOLIX_TEST_PORT": str(self.broker.port),
            "SOLIX_PASSWORD": PASSWORD,
        }

    def report(self):
        text = frames.power_station(SERIAL, charge=self.charge, ac_out=800, solar=301, usb=12)
        self.devices.send(frames.topic("A1790P", SERIAL), text)


@pytest.fixture
def program(home, collector, tmp_path):
    config = f"""
    collectors:
      solix:
        interval: 500ms
        timeout: 10s
        options:
          email: {EMAIL}
          password: {{$env: SOLIX_PASSWORD}}
          country: DE
          normal_interval: 15
          fast_interval: 15
          state_dir: {tmp_path / "state"}
    """
    return collector(config, env=home.env)


def value(program, name, labels=""):
    return program.samples().get(f"{name}{labels}")


def test_values_of_the_cloud_and_live_ones_with_right_units(home, program, eventually):
    eventually(lambda: value(program, "solix_battery_charge_ratio", f"{STATION}}}") == 0.62)
    assert value(program, "solix_output_power_watts", f"{STATION}}}") == 812
    assert value(program, "solix_input_power_watts", f"{STATION}}}") == 301
    eventually(lambda: value(program, "solix_battery_capacity_joules", f"{STATION}}}") == 3840 * 3600)
    assert value(program, "solix_battery_charge_ratio", f"{BANK}}}") == 0.24
    assert value(program, "solix_battery_discharge_power_watts", f"{BANK}}}") == 150
    assert value(program, "solix_mqtt_connected") == 1
    assert value(program, "solix_fast_polling") == 1
    assert value(program, "collector_up", '{collector="solix",plugin="solix"}') == 1


def test_a_broker_that_dies_comes_back_and_ages_grow_and_shrink(home, program, eventually):
    age = f'{STATION},source="mqtt"}}'
    eventually(lambda: value(program, "solix_reading_age_seconds", age) is not None)
    home.broker.stop()
    eventually(lambda: value(program, "solix_mqtt_connected") == 0)
    eventually(lambda: value(program, "solix_reading_age_seconds", age) > 2)
    home.charge = 61
    home.broker.start()
    eventually(lambda: value(program, "solix_mqtt_connected") == 1)
    eventually(lambda: value(program, "solix_battery_charge_ratio", f"{STATION}}}") == 0.61)
    eventually(lambda: value(program, "solix_reading_age_seconds", age) < 2)


@pytest.mark.slow
def test_an_expired_token_costs_one_login_and_429_only_its_endpoint(home, program, eventually):
    eventually(lambda: value(program, "solix_battery_charge_ratio", f"{STATION}}}") == 0.62)
    home.cloud.expire()
    home.cloud.faults[SCENE] = Fault(status=429)
    eventually(lambda: home.cloud.counts[LOGIN] == 2, 90)
    limited = f'{{endpoint="{SCENE}",result="limited"}}'
    eventually(lambda: value(program, "solix_requests_total", limited) == 1, 90)
    assert value(program, "solix_battery_charge_ratio", f"{BANK}}}") == 0.24
    assert value(program, "solix_battery_charge_ratio", f"{STATION}}}") == 0.62
    assert home.cloud.counts[LOGIN] == 2
    assert value(program, "solix_requests_total", f'{{endpoint="{SITES}",result="ok"}}') >= 2


def test_no_secret_is_on_any_page_or_in_the_log(home, program, eventually):
    eventually(lambda: value(program, "solix_battery_charge_ratio", f"{STATION}}}") == 0.62)
    pages = [program.request(path).text for path in ("/", "/metrics", "/api/v1/collectors", "/api/v1/snapshot")]
    assert program.stop() == 0
    (token,) = home.cloud.tokens
    for secret in (EMAIL, PASSWORD, USER_ID, token):
        assert secret not in "\n".join([*pages, program.log]), secret


def test_a_wrong_password_is_one_login_until_the_reload(home, collector, tmp_path, eventually):
    config = f"""
    collectors:
      solix:
        interval: 500ms
        options:
          {{email: {EMAIL}, password: {{$env: SOLIX_PASSWORD}}, country: DE, state_dir: {tmp_path / "state"}}}
    """
    program = collector(config, env=home.env | {"SOLIX_PASSWORD": "wrong"})
    failed = '{collector="solix",plugin="solix",result="auth_failed"}'
    eventually(lambda: value(program, "collector_runs_total", failed) == 1)
    for _ in range(20):
        urllib.request.urlopen(f"http://127.0.0.1:{program.port}/metrics", timeout=5).close()
    assert home.cloud.counts[LOGIN] == 1
    assert os.fspath(tmp_path) not in program.log
