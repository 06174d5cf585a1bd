"""`energy-collector solix login` and `solix fields`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from collector_core.cli.group import cli
from collector_plugins.solix import cloud, commands
from tests.plugins.solix import frames
from tests.plugins.solix.conftest import FakeAccount
from tests.plugins.solix.fakecloud import EMAIL, LOGIN, PASSWORD

pytestmark = [
    pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS is deprecated"),
    pytest.mark.usefixtures("logging_as_it_was"),
]

BANK = {"type": "solarbank", "device_pn": "A17C1", "alias": "Shed", "battery_soc": "39", "heating_power": "5"}
SITES = {"S": {"site_info": {"site_name": "Orchard"}, "home_load_power": "520", "other_loads_power": "9"}}


@pytest.fixture
def config(tmp_path):
    """Writes a configuration: `config(password=None)`."""

    def write(**options):
        options = {"email": EMAIL, "country": "DE", "state_dir": str(tmp_path / "state"), **options}
        file = tmp_path / "config.yaml"
        file.write_text(json.dumps({"collectors": {"solix": {"options": options}}}))
        return str(file)

    return write


def run(*arguments, **options):
    return CliRunner().invoke(cli, ["solix", *arguments], **options)


@pytest.fixture
def account(monkeypatch):
    """What the commands take for the account."""
    account = FakeAccount(SITES, {"SB2": dict(BANK)})

    async def ask(serial, seconds):
        account.receive(serial, {"battery_soc": 38, "photovoltaic_power": 120.5, "home_demand": 7})
        return True

    account.ask = ask
    monkeypatch.setattr(cloud, "AnkerCloud", lambda *_: account)
    monkeypatch.setattr(cloud, "missing", lambda: None)
    return account


def test_fields_lists_what_is_told_and_whether_it_is_mapped(account, config):
    done = run("fields", "--config", config(), "--seconds", "0.1")
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.output.splitlines()]
    assert ["site", "S", "Orchard"] in rows
    assert ["home_load_power", "rest", "520", "mapped"] in rows
    assert ["other_loads_power", "rest", "9", "-"] in rows
    assert ["solarbank", "SB2", "A17C1", "Shed"] in rows
    assert ["battery_soc", "mqtt", "38", "mapped"] in rows
    assert ["battery_soc", "rest", "39", "mapped"] in rows
    assert ["heating_power", "rest", "5", "-"] in rows
    assert ["home_demand", "mqtt", "7", "-"] in rows
    assert account.calls[-1] == "close"


def test_fields_hashes_serials_where_that_is_wished(account, config):
    assert "SB2" not in run("fields", "--config", config(hash_serials=True), "--seconds", "0.1").output


def test_without_the_library_the_command_says_how_to_get_it(config, monkeypatch):
    monkeypatch.setattr(cloud, "LEAST_PYTHON", (99, 0))
    done = run("fields", "--config", config())
    assert done.exit_code == 1
    assert "pip install" in done.output


def test_login_asks_for_what_is_not_configured(account, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    made = []
    monkeypatch.setattr(cloud, "AnkerCloud", lambda config, *_: made.append(config) or account)
    done = run("login", input=f"{EMAIL}\nDE\n{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    assert (made[0].email, made[0].country) == (EMAIL, "DE")
    assert made[0].password.get_secret_value() == PASSWORD
    assert account.calls == ["log_in", "close"]
    assert PASSWORD not in done.output


def test_an_address_that_is_none_is_refused(account):
    done = run("login", "--email", "nobody", "--country", "DE")
    assert done.exit_code == 1
    assert "email" in done.output


def test_help_tells_both():
    assert {"fields", "login"} <= set(run("--help").output.split())
    assert commands.DEADLINE > 0


# With the real library


def test_login_stores_a_token_that_needs_no_password(fake_cloud, live, config, tmp_path):
    cloud = fake_cloud()
    done = run("login", "--config", config(), input=f"{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    assert PASSWORD not in done.output
    live(mqtt=False, password=None).harness.run()
    assert cloud.counts[LOGIN] == 1


def test_a_wrong_password_is_told(fake_cloud, config):
    cloud = fake_cloud()
    done = run("login", "--config", config(), input="wrong\n")
    assert done.exit_code == 1
    assert "InvalidCredentialsError" in done.output
    assert EMAIL not in done.output
    assert cloud.counts[LOGIN] == 1


def test_fields_of_real_messages(fake_cloud, broker, devices, broker_port, config, eventually):
    cloud = fake_cloud()
    cloud.mqtt = broker.account
    broker_port(broker)
    serial = "TESTF3800PLUS001"
    devices.when_asked(lambda: devices.send(frames.topic("A1790P", serial), frames.power_station(serial, charge=62)))
    done = run("fields", "--config", config(password=PASSWORD), "--seconds", "2")
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.output.splitlines()]
    assert ["battery_soc", "mqtt", "62", "mapped"] in rows
    assert ["home_load_power", "rest", "520", "mapped"] in rows
