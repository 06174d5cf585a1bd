"""`find` prints a configuration that `check` accepts and that runs what is there."""

import pytest
import yaml
from click.testing import CliRunner

from collector_core.cli import cli
from collector_plugins.ups import Ups
from tests.plugins.ups.test_ups import BUSY, servers

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


def find(root):
    done = CliRunner().invoke(cli, ["find", "--root", str(root)])
    assert done.exit_code == 0, done.output
    return done.stdout


def check(tmp_path, text):
    file = tmp_path / "found.yaml"
    file.write_text(text)
    return CliRunner().invoke(cli, ["check", "--config", str(file)])


def chip(root):
    folder = root / "sys/class/hwmon/hwmon0"
    folder.mkdir(parents=True)
    (folder / "name").write_text("ina226\n")
    (folder / "power1_input").write_text("5000000\n")


def test_what_is_there_is_named_and_what_is_not_is_left_out(tmp_path):
    chip(tmp_path / "root")
    text = find(tmp_path / "root")
    found = yaml.safe_load(text)
    assert found["root"] == str(tmp_path / "root")
    assert found["collectors"]["hwmon"] == {"interval": "10s"}
    assert not {"rapl", "amdgpu", "ups", "modbus"} & set(found["collectors"])
    assert check(tmp_path, text).exit_code == 0


def test_a_machine_without_anything_has_a_configuration_too(tmp_path):
    (tmp_path / "root").mkdir()
    text = find(tmp_path / "root")
    assert check(tmp_path, text).exit_code == 0
    assert "hwmon" not in yaml.safe_load(text)["collectors"]


def test_a_network_is_asked_where_it_is_named(tmp_path, monkeypatch):
    (tmp_path / "root").mkdir()
    with servers(BUSY) as (server,):
        monkeypatch.setattr(Ups, "probe_port", int(server.address.rpartition(":")[2]))
        done = CliRunner().invoke(
            cli, ["find", "--root", str(tmp_path / "root"), "--network", "127.0.0.1/32", "--network", "127.0.0.1"]
        )
        assert server.asked == ["LIST UPS"]
    assert yaml.safe_load(done.stdout)["collectors"]["ups"] == {
        "options": {"devices": [{"name": "127.0.0.1", "address": server.address}]}
    }
    assert check(tmp_path, done.stdout).exit_code == 0


@pytest.mark.parametrize(("network", "message"), [("10.0.0.0/8", "more than 4096"), ("here", "does not appear")])
def test_a_network_that_cannot_be_asked_is_refused(network, message):
    done = CliRunner().invoke(cli, ["find", "--network", network])
    assert done.exit_code == 2
    assert message in done.output
