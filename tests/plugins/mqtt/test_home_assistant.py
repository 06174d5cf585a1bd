"""Home Assistant finds sensors that it accepts, at a real broker; only the newest states come."""

import contextlib
import json
import socket
import subprocess
import warnings

import pytest
from pydantic import ValidationError

from collector_core import AuthFailed, NotAvailable, Series
from collector_core.plugins.discovery import discover
from collector_plugins.mqtt.home_assistant import HomeAssistant
from tests.plugins.solix.broker import program
from tests.postgres import free_port
from tests.sample_blocks import ENERGY, HEAT, POWER, Runs, make_output

VALUES = {(POWER, "a"): 12.5, (ENERGY, "a"): 7.2e6, (HEAT, "a"): -4.0}
AVAILABILITY = f"energy-collector/{socket.gethostname()}/availability"


class Mosquitto:
    """A broker that forgets everything when it ends."""

    def __init__(self, folder, anonymous="true"):
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous {anonymous}\npersistence false\n")
        self.start()

    def is_there(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def start(self):
        self._process = subprocess.Popen(
            [program(), "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self):
        self._process.kill()
        self._process.wait(30)


class Watcher:
    """Sees everything that is published."""

    def __init__(self, port):
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.seen = []
        self.ready = False
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: setattr(self, "ready", True)
        self._client.on_message = lambda _, __, message: self.seen.append(
            (message.topic, message.payload.decode(), message.retain)
        )
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, topic, text):
        self._client.publish(topic, text, qos=1, retain=True)

    def newest(self):
        return {topic: text for topic, text, _ in self.seen}

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def mosquitto(tmp_path, eventually):
    if program() is None:
        pytest.skip("mosquitto is not installed")
    made = Mosquitto(tmp_path)
    eventually(made.is_there)
    yield made
    made.stop()


@pytest.fixture
def watcher(mosquitto, eventually):
    made = Watcher(mosquitto.port)
    eventually(lambda: made.ready)
    yield made
    made.close()


@pytest.fixture
def output(mosquitto):
    made = make_output(HomeAssistant, url=f"mqtt://127.0.0.1:{mosquitto.port}", timeout=60.0)
    yield made
    made.close()


def records(made, values=VALUES):
    (block,) = Runs().blocks(1, values)
    return made.encode(list(block.samples()))


def states(records):
    return [state for _, state, _, _ in records]


def found(watcher):
    newest = watcher.newest()
    return [json.loads(text) for topic, text in newest.items() if topic.startswith("homeassistant/sensor/")]


def test_sensors_are_found_and_have_values(output, watcher, eventually):
    output.send(records(output), may_repeat=False)
    eventually(lambda: len(found(watcher)) == 3 and len(watcher.newest()) == 7)
    power, energy, heat = found(watcher)
    assert (power["device_class"], power["unit_of_measurement"], power["state_class"]) == ("power", "W", "measurement")
    assert (energy["device_class"], energy["unit_of_measurement"], energy["state_class"]) == (
        "energy",
        "kWh",
        "total_increasing",
    )
    assert (heat["device_class"], heat["unit_of_measurement"]) == ("temperature", "°C")
    newest = watcher.newest()
    assert [newest[each["state_topic"]] for each in (power, energy, heat)] == ["12.5", "2", "-4"]
    for each in (power, energy, heat):
        assert each["name"]
        assert each["device"]["identifiers"]
        assert each["origin"]["name"] == "energy-collector"
        assert newest[each["availability_topic"]] == "online"
    assert len({each["unique_id"] for each in (power, energy, heat)}) == 3


def test_those_who_come_later_find_the_sensors_and_at_the_end_that_nobody_is_there(
    output, watcher, mosquitto, eventually
):
    output.send(records(output), may_repeat=False)
    late = Watcher(mosquitto.port)
    eventually(lambda: len(found(late)) == 3)
    assert {retained for topic, _, retained in late.seen if topic.startswith("homeassistant")} == {True}
    output.close()
    eventually(lambda: late.newest().get(AVAILABILITY) == "offline")
    late.close()


def test_a_broker_that_forgot_everything_hears_it_again(output, watcher, mosquitto, eventually):
    output.send(records(output), may_repeat=False)
    eventually(lambda: len(found(watcher)) == 3)
    mosquitto.stop()
    watcher.seen.clear()
    mosquitto.start()
    eventually(lambda: len(found(watcher)) == 3)
    eventually(lambda: watcher.newest().get(AVAILABILITY) == "online")


def test_home_assistant_finds_again_at_its_start_what_was_deleted_there(output, watcher, eventually):
    output.send(records(output), may_repeat=False)
    eventually(lambda: len(found(watcher)) == 3)
    deleted = next(topic for topic in watcher.newest() if topic.startswith("homeassistant/sensor/"))
    watcher.publish(deleted, "")
    eventually(lambda: watcher.newest()[deleted] == "")
    watcher.publish("homeassistant/status", "online")
    eventually(lambda: watcher.newest()[deleted])


def test_a_certificate_file_that_is_not_there_is_named(tmp_path):
    made = make_output(HomeAssistant, url="mqtts://127.0.0.1:1", ca_file=tmp_path / "missing.pem")
    with pytest.raises(NotAvailable, match="missing.pem: No such file") as caught:
        made.test()
    assert caught.value.fix == "correct `ca_file`"


def test_offline_of_an_earlier_connection_does_not_last(output, watcher, eventually):
    output.test()
    eventually(lambda: watcher.newest().get(AVAILABILITY) == "online")
    watcher.publish(AVAILABILITY, "offline")
    eventually(lambda: [text for topic, text, _ in watcher.seen if topic == AVAILABILITY][-2:] == ["offline", "online"])


def test_what_was_not_sent_before_a_connection_broke_never_comes(output, watcher, mosquitto, eventually):
    output.send(records(output), may_repeat=False)
    mosquitto.stop()
    watcher.seen.clear()
    output._broker._timeout = 1.0
    for power in (1.0, 2.0, 3.0):
        with pytest.raises(NotAvailable):
            output.send(records(output, {(POWER, "a"): power}), may_repeat=False)
    output._broker._timeout = 60.0
    mosquitto.start()
    eventually(lambda: watcher.newest().get(AVAILABILITY) == "online")
    output.send(records(output, {(POWER, "a"): 4.0}), may_repeat=False)
    eventually(lambda: "4" in [text for topic, text, _ in watcher.seen if "probe_power_watts/" in topic])
    assert [text for topic, text, _ in watcher.seen if "/probe_power_watts/" in topic] == ["4"]


def test_a_refused_login_is_told(tmp_path, eventually):
    if program() is None:
        pytest.skip("mosquitto is not installed")
    closed = Mosquitto(tmp_path, anonymous="false")
    made = make_output(HomeAssistant, url=f"mqtt://127.0.0.1:{closed.port}", timeout=20.0)

    def is_refused():
        try:
            made.test()
        except AuthFailed as error:
            return "Not authorized" in str(error)
        except NotAvailable:
            return False  # the broker is not there yet

    eventually(is_refused)
    made.close()
    closed.stop()


def test_a_series_that_ends_leaves_a_sensor_without_a_value():
    made = make_output(HomeAssistant, url="mqtt://127.0.0.1")
    runs = Runs(takes_ends=True)
    runs.blocks(1, {(POWER, "a"): 1.0})
    _, ended = runs.blocks(2, {(POWER, "b"): 2.0})
    assert states(made.encode(list(ended.samples()))) == ["None"]


def test_without_a_choice_homes_get_what_they_have_sensors_for():
    (chooser,) = make_output(HomeAssistant, url="mqtt://127.0.0.1").selectors
    (block,) = Runs().blocks(1, VALUES)
    assert all(chooser.means(sample.series) for sample in block.samples())


def test_without_a_broker_it_says_so():
    made = make_output(HomeAssistant, url=f"mqtt://127.0.0.1:{free_port()}", timeout=0.5)
    with pytest.raises(NotAvailable, match="cannot be reached"):
        made.test()
    made.close()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"url": "http://a"},
        {"url": "mqtt://a/x"},
        {"url": "mqtt://u:p@a"},
        {"url": "mqtt://a", "topic": "a/#"},
        {"url": "mqtt://a", "password": "x"},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValidationError):
        HomeAssistant.config_type.model_validate(options)


def declared_series():
    """A series of each metric that a bundled plugin declares."""
    for name, cls in discover().types.items():
        for metric in cls.metrics:
            if metric.kind != "info":
                about = (metric.kind, str(metric.unit), metric.help, name, metric.topic, metric.of, metric.title)
                yield Series(f'{metric.name}{{a="b"}}', metric.name, {"a": "b"}, *about)


def test_home_assistant_itself_accepts_the_sensor_of_every_metric():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries of its own
        sensor = pytest.importorskip("homeassistant.components.mqtt.sensor", reason="pip install homeassistant")
    entities = make_output(HomeAssistant, url="mqtt://127.0.0.1")._entities
    for series in declared_series():
        sensor.DISCOVERY_SCHEMA(json.loads(entities.of(series).config))
