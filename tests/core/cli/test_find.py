"""`find` prints a configuration that `check` accepts and that runs what is there."""

import socket
import threading

import pytest
import yaml
from click.testing import CliRunner

from collector_core.cli.group import cli
from collector_plugins.dsmr import Dsmr
from collector_plugins.http import Http
from collector_plugins.mqtt import Mqtt
from collector_plugins.ups import Ups
from tests.plugins.ups.test_ups import BUSY, servers
from tests.plugserver import PlugServer

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


def test_serial_ports_that_may_lead_to_a_smart_meter_are_comments_to_complete(tmp_path):
    chip(tmp_path / "root")
    ports = tmp_path / "root/dev/serial/by-id"
    ports.mkdir(parents=True)
    for name in ("usb-FTDI_FT232R-if00-port0", "usb-odd name: # {x}", "pci-0"):
        (ports / name).symlink_to("../../ttyUSB0")
    text = find(tmp_path / "root")
    assert "dsmr" not in yaml.safe_load(text)["collectors"]
    assert check(tmp_path, text).exit_code == 0
    lines = [line.partition("# ")[2] for line in text.splitlines() if line.startswith("  # ")]
    block = yaml.safe_load("\n".join(lines[lines.index("dsmr:") :]))
    assert block["dsmr"]["options"]["devices"] == [
        {"name": None, "serial": f"/dev/serial/by-id/{name}"}
        for name in ("usb-FTDI_FT232R-if00-port0", "usb-odd name: # {x}")
    ]


def test_a_plugin_that_fails_to_say_what_may_be_here_costs_the_others_nothing(tmp_path, monkeypatch):
    chip(tmp_path / "root")
    monkeypatch.setattr(Dsmr, "candidates", classmethod(lambda cls, ctx: 1 / 0))
    done = CliRunner().invoke(cli, ["find", "--root", str(tmp_path / "root")])
    assert "hwmon" in yaml.safe_load(done.stdout)["collectors"]
    assert "dsmr cannot say what may be here: ZeroDivisionError" in done.stderr


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


class Shelly(PlugServer):
    """Says who it is to everybody, and whether it wants a password."""

    def __init__(self, *, has_password):
        super().__init__()
        self.has_password = has_password

    def answer(self, path):
        known = f'{{"mac": "A8032ABC", "gen": 3, "app": "PlugSG3", "auth_en": {str(self.has_password).lower()}}}'
        return (200, known.encode()) if path == "/shelly" else (404, b"")


@pytest.fixture
def look(tmp_path, monkeypatch):
    """Let `find` look at loopback only for one kind, at a port; returns what it prints, which `check` must accept."""

    def run(cls, port):
        for other in (Http, Mqtt, Ups):
            monkeypatch.setattr(other, "probe_port", port if other is cls else None)
        (tmp_path / "root").mkdir(exist_ok=True)
        done = CliRunner().invoke(cli, ["find", "--root", str(tmp_path / "root"), "--network", "127.0.0.1/32"])
        assert check(tmp_path, done.stdout).exit_code == 0, done.stdout
        return done.stdout

    return run


def test_a_plug_is_found_by_what_it_says_of_itself(look):
    with Shelly(has_password=False) as plug:
        text = look(Http, plug.server_address[1])
    found = {"name": "127.0.0.1", "url": plug.url, "model": "shelly-gen2"}
    assert yaml.safe_load(text)["collectors"]["http"] == {"options": {"devices": [found]}}


def test_what_needs_a_login_is_a_comment_to_complete(look):
    with Shelly(has_password=True) as plug:
        text = look(Http, plug.server_address[1])
    assert "http" not in yaml.safe_load(text)["collectors"]
    assert f"# http:\n  #   options:\n  #     devices:\n  #       - {{name: 127.0.0.1, url: '{plug.url}'" in text
    assert "username: admin, password: null}" in text


def test_a_web_server_that_is_no_meter_is_left_out(look):
    with PlugServer({"hello": "world"}) as server:
        text = look(Http, server.server_address[1])
        assert len(server.asked) > 3
    assert "http" not in text.replace("http://", "")


@pytest.mark.parametrize(
    ("answer", "written"), [(b"\x20\x02\x00\x00", "mqtt: {options"), (b"\x20\x02\x00\x05", "# mqtt:")]
)
def test_a_broker_is_found_and_whether_it_wants_a_login(look, answer, written):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept():
            peer, _ = listening.accept()
            with peer:
                assert peer.recv(64)[:1] == b"\x10"
                peer.sendall(answer)

        thread = threading.Thread(target=accept)
        thread.start()
        text = look(Mqtt, listening.getsockname()[1])
        thread.join()
    assert f"  {written}" in text
    assert "mqtt://127.0.0.1:" in text
