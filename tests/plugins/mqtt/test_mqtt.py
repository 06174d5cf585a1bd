"""A real mosquitto: devices that speak, fall silent, go offline and come back; a login that is refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import AuthFailed, NotAvailable
from collector_plugins.mqtt import METRICS, Mqtt
from collector_plugins.mqtt.config import Config
from collector_plugins.mqtt.messages import Dialects

UP, WHY, POWER = METRICS.health.up, METRICS.health.unavailable, METRICS["power_watts"]
SENSOR = '{"ENERGY":{"Power":%d,"Total":1}}'


class Broker:
    """mosquitto on loopback, with one user."""

    def __init__(self, program, folder):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
        passwords = folder / "passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "me", "secret"], check=True, capture_output=True)
        passwords.chmod(0o644)
        folder.chmod(0o755)
        lines = (f"listener {self.port} 127.0.0.1", "allow_anonymous false", f"password_file {passwords}")
        as_root = ("user root",) if os.geteuid() == 0 else ()
        (folder / "mosquitto.conf").write_text("\n".join((*lines, *as_root)) + "\n")
        self.log = folder / "log"
        with self.log.open("wb") as log:
            command = [program, "-c", folder / "mosquitto.conf", "-v"]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.url = f"mqtt://127.0.0.1:{self.port}"

    def listens(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def close(self):
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def broker(tmp_path_factory, eventually):
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None or shutil.which("mosquitto_passwd") is None:
        message = "mosquitto is not installed: python tests/services.py install"
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)
    started = Broker(program, tmp_path_factory.mktemp("mosquitto"))
    try:
        eventually(started.listens)
        yield started
    finally:
        started.close()


@pytest.fixture
def publish(broker):
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.username_pw_set("me", "secret")

    assert client.connect("127.0.0.1", broker.port) == 0
    client.loop_start()
    yield lambda topic, payload, **more: client.publish(topic, payload, qos=1, **more).wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def harness(broker, publish, collector_harness):
    login = {"url": broker.url, "username": "me", "password": "secret"}
    return lambda **more: collector_harness(Mqtt, **{**login, **more})


def test_devices_speak_go_offline_come_back_and_fall_silent(harness, publish, eventually):
    made = harness(stale_after=60)

    def shown(advance=0.0):
        made.run(advance=advance)
        return made.series(POWER)

    assert shown() == {}
    publish("tele/desk/SENSOR", SENSOR % 5)
    publish("zigbee2mqtt/plug", '{"power": 7}')
    eventually(lambda: shown() == {("desk",): 5.0, ("plug",): 7.0})
    publish("tele/desk/LWT", "Offline")
    eventually(lambda: shown() == {("plug",): 7.0})
    assert made.value(WHY, device="desk", reason="unreachable") == 1
    publish("tele/desk/LWT", "Online")
    eventually(lambda: shown() == {("desk",): 5.0, ("plug",): 7.0})
    assert [meter.device for meter in made.collector.collector_energy_meters()] == ["desk", "plug"]
    assert shown(advance=61) == {}
    assert made.series(UP) == {("desk",): 0.0, ("plug",): 0.0}
    assert made.value(WHY, device="plug", reason="timeout") == 1
    assert [meter.latest() for meter in made.collector.collector_energy_meters()].count(None) == len(
        made.collector.collector_energy_meters()
    )


def test_a_program_that_looks_once_waits_for_what_the_broker_keeps(harness, publish):
    publish("tele/kept/SENSOR", SENSOR % 9, retain=True)
    entry = {"name": "wall", "topic": "tele/kept/SENSOR", "power_watts": "/ENERGY/Power"}
    made = harness(keeps_running=False, devices=[entry])
    made.run()
    assert made.series(POWER) == {("wall",): 9.0}
    publish("tele/kept/SENSOR", b"", retain=True)


def test_a_device_that_announces_itself_is_followed_to_topics_that_nobody_named(harness, publish, eventually):
    device = {"identifiers": ["hp"], "name": "Heat pump"}
    said = {"device_class": "power", "unit_of_measurement": "kW", "state_topic": "house/hp", "device": device}
    publish("house/hp", '{"p": 1.5}', retain=True)
    publish("homeassistant/sensor/hp/config", json.dumps(said | {"value_template": "{{ value_json.p }}"}), retain=True)
    made = harness(keeps_running=False)

    def shown():
        made.run()
        return made.series(POWER).get(("Heat pump",))

    made.run()
    assert shown() == 1500.0
    publish("house/hp", '{"p": 2}')
    eventually(lambda: shown() == 2000.0)
    publish("homeassistant/sensor/hp/config", b"", retain=True)
    publish("house/hp", b"", retain=True)
    eventually(lambda: shown() is None)


def test_a_login_that_is_refused_is_tried_once(broker, harness, publish, eventually):
    with pytest.raises(AuthFailed, match="broker answers"):
        harness(password="wrong").run()
    connections = broker.log.read_text().count("disconnected, not authorised")
    assert connections == 1


def test_where_no_broker_is_it_says_so(collector_harness):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotAvailable, match="cannot connect to the broker") as caught:
        collector_harness(Mqtt, url=f"mqtt://127.0.0.1:{port}").run()
    assert caught.value.reason == "unreachable"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(NotAvailable) as caught:
            collector_harness(Mqtt, url=f"mqtt://127.0.0.1:{silent.getsockname()[1]}", timeout=0.4).run()
        assert caught.value.reason == "timeout"


def test_a_certificate_file_that_is_not_there_is_named(collector_harness, tmp_path):
    with pytest.raises(NotAvailable, match="missing.pem: No such file") as caught:
        collector_harness(Mqtt, url="mqtts://127.0.0.1:1", ca_file=tmp_path / "missing.pem").run()
    assert caught.value.fix == "correct `ca_file`"


TOPICS = st.sampled_from(
    [
        "tele/a/SENSOR",
        "tele/a/LWT",
        "shellies/a/relay/0/power",
        "a/status/switch:0",
        "a/events/rpc",
        "zigbee2mqtt/a",
        "a/sensor/power/state",
        "x",
    ]
)


@given(TOPICS | st.text(max_size=30), st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_whatever_comes_is_understood_or_left_out(topic, payload):
    dialects = Dialects(Config(devices=[{"name": "x", "topic": "x", "power_watts": "/"}]))
    for message in dialects.parse(topic, payload):
        assert message.device
        assert not (message.reading is None and message.is_there is None and message.told is None)


def test_who_publishes_without_end_takes_no_memory_without_end(collector_harness):
    made = collector_harness(Mqtt, max_devices=3)
    for number in range(10):
        made.collector._take(f"tele/d{number}/SENSOR", b'{"ENERGY":{"Power":1}}', False)
        made.collector._take(f"tele/d{number}/LWT", b"Online", False)
    made.collector._connection = None
    assert len(made.collector._inbox.readings(0.0)) == 3


async def test_a_real_broker_is_found_and_wants_a_login(broker):
    assert await Mqtt.probe("127.0.0.1", broker.port) == {"url": broker.url, "username": None, "password": None}


async def test_what_is_no_broker_is_not_found():
    async def hang_up(_, writer):
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        with pytest.raises(NotAvailable):
            await Mqtt.probe("127.0.0.1", server.sockets[0].getsockname()[1])
