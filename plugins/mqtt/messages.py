"""What devices publish: the topics and documents of Tasmota, Shelly, Zigbee2MQTT, ESPHome and of entries."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from collector_core import NotAvailable
from collector_core.devices import DeviceReading, at_pointer, find_in_json, number, read_places
from collector_plugins.mqtt.config import Config, Topic
from collector_plugins.mqtt.discovery.announced import Announced
from collector_plugins.mqtt.discovery.announcement import Sensor
from collector_plugins.mqtt.message import Message, Told

OFFLINE, ONLINE = frozenset({"offline", "false", "0"}), frozenset({"online", "true", "1"})
_GEN2_CHANNEL = re.compile(r"(switch|pm1|cover|em1|em|em1data|emdata):\d+")
_TASMOTA = {
    "energy_kwh": "Total",
    "voltage_volts": "Voltage",
    "current_amperes": "Current",
    "power_factor_ratio": "Factor",
    "apparent_power_volt_amperes": "ApparentPower",
}
_WATT_HOURS = {"wh": 1.0, "kwh": 1000.0}
_NO_POWER = frozenset(
    {"factor", "apparent", "reactive", "limit", "setpoint", "percent", "level", "max", "min", "rated"}
)
_ZIGBEE = {"power_watts": "power", "energy_kwh": "energy", "voltage_volts": "voltage", "current_amperes": "current"}
_GEN1 = {
    ("relay", "power"): ("power_watts", 1.0),
    ("relay", "energy"): ("energy_joules", 60.0),  # watt-minutes
    ("roller", "power"): ("power_watts", 1.0),
    ("roller", "energy"): ("energy_joules", 60.0),
    ("emeter", "power"): ("power_watts", 1.0),
    ("emeter", "total"): ("energy_wh", 1.0),
    ("emeter", "voltage"): ("voltage_volts", 1.0),
}
_GEN2 = {
    "apower": ("power_watts", ""),
    "act_power": ("power_watts", ""),
    "total_act_power": ("power_watts", ""),
    "voltage": ("voltage_volts", ""),
    "current": ("current_amperes", ""),
    "freq": ("frequency_hertz", ""),
    "total_act_energy": ("energy_wh", ""),
    "total_act": ("energy_wh", ""),
    "a_act_power": ("phase_power_watts", "a"),
    "b_act_power": ("phase_power_watts", "b"),
    "c_act_power": ("phase_power_watts", "c"),
}


class Dialects:
    """Knows which topics to subscribe to, and what a message means.

    What an entry or a dialect reads by itself is not read again as it was announced to Home Assistant.
    """

    def __init__(self, config: Config) -> None:
        self._own: Mapping[str, Topic] = {device.topic: device for device in config.devices}
        self._zigbee = config.zigbee2mqtt.rstrip("/")
        names = [device.name for device in config.devices]
        prefix = config.home_assistant
        self._announced = Announced(prefix, names, self._is_known, config.max_devices) if prefix else None

    @property
    def filters(self) -> list[str]:
        """Topic filters of everything that is understood; announcements come before the states that they explain."""
        known = ["tele/+/SENSOR", "tele/+/LWT", "+/tele/SENSOR", "+/tele/LWT", "shellies/#"]
        shelly = ["+/online", "+/status/+", "+/events/rpc"]
        esphome = ["+/sensor/+/state", "+/status"]
        announced = self._announced.filters if self._announced else []
        return [*announced, *self._own, *known, *shelly, f"{self._zigbee}/#", *esphome]

    def announced_by(self, topic: str) -> Collection[str]:
        """Topics that follow from a message to this one."""
        announced = self._announced
        return announced.topics if announced and announced.is_announcement(topic) else ()

    def parse(self, topic: str, payload: bytes) -> list[Message]:
        """What a message says; nothing where it is not understood."""
        try:
            text = payload.decode()
            return list(self._messages(topic, text, _document(text)))
        except (UnicodeDecodeError, NotAvailable):
            return []

    def _messages(self, topic: str, text: str, document: Any) -> Iterator[Message]:
        announced = self._announced
        if own := self._own.get(topic):
            yield Message(own.name, topic, read_places(own, find_in_json(document)))
        elif topic.startswith(f"{self._zigbee}/"):
            yield from _zigbee(topic.removeprefix(f"{self._zigbee}/"), document)
        elif announced and announced.is_announcement(topic):
            yield from announced.announce(topic, text, document)
        else:
            if announced:
                yield from announced.read(topic, text, document)
            if not (announced and announced.speaks_for(topic)):
                yield from _other(topic.split("/"), document)

    def _is_known(self, sensor: Sensor) -> bool:
        """Whether what a sensor says is read anyway."""
        match sensor.topic.split("/"):
            case ["tele", _, "SENSOR"] | [_, "tele", "SENSOR"]:
                return "ENERGY" in sensor.template.path
            case [_, "status", channel] if _GEN2_CHANNEL.fullmatch(channel):
                return True
            case ["shellies", *_] | [_, "events", "rpc"]:
                return True
        return sensor.topic in self._own or sensor.topic.startswith(f"{self._zigbee}/")


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _presence(device: str, document: Any) -> Iterator[Message]:
    word = str(document.get("state") if isinstance(document, dict) else document).lower()
    if word in OFFLINE | ONLINE:
        yield Message(device, is_there=word in ONLINE)


def _other(parts: Sequence[str], document: Any) -> Iterator[Message]:
    match parts:
        case ["tele", device, "LWT"] | [device, "tele", "LWT"]:
            yield from _presence(device, document)
        case ["tele", device, "SENSOR"] | [device, "tele", "SENSOR"]:
            yield from _tasmota(device, document)
        case ["shellies", device, "online"] | [device, "online"] | [device, "status"]:
            yield from _presence(device, document)
        case ["shellies", device, kind, channel, quantity] if (kind, quantity) in _GEN1:
            word, factor = _GEN1[kind, quantity]
            if (value := number(document)) is not None:
                reading = DeviceReading()
                reading.tell(word, value * factor)
                yield Message(device, f"{kind}/{channel}", reading)
        case [device, "status", channel] if _GEN2_CHANNEL.fullmatch(channel):
            yield from _gen2(device, channel, document)
        case [node, "sensor", name, "state"]:
            yield from _esphome(node, name, document)
        case [device, "events", "rpc"]:
            for channel, said in _parameters(document):
                yield from _gen2(device, channel, said)


def _parameters(document: Any) -> Iterator[tuple[str, Any]]:
    said = document.get("params") if isinstance(document, dict) else None
    if isinstance(said, dict):
        yield from ((name, value) for name, value in said.items() if _GEN2_CHANNEL.fullmatch(name))


def _tasmota(device: str, document: Any) -> Iterator[Message]:
    """https://tasmota.github.io/docs/MQTT/: power is a list where there are several channels."""
    energy = document.get("ENERGY") if isinstance(document, dict) else None
    if not isinstance(energy, dict):
        return
    reading = DeviceReading()
    power = energy.get("Power")
    channels = [
        watts for each in (power if isinstance(power, list) else [power]) if (watts := number(each)) is not None
    ]
    if channels:
        reading.tell("power_watts", sum(channels))
    for index, watts in enumerate(channels) if len(channels) > 1 else ():
        reading.tell("outlet_power_watts", watts, str(index))
    _tell_all(reading, _TASMOTA, energy)
    yield Message(device, "", reading)


def _gen2(device: str, channel: str, said: Any) -> Iterator[Message]:
    """https://shelly-api-docs.shelly.cloud/gen2/: a component's status, or the part of it that changed."""
    if not isinstance(said, dict):
        return
    reading = DeviceReading()
    for name, (word, part) in _GEN2.items():
        if (value := number(said.get(name))) is not None:
            reading.tell(word, value, part)
    if (total := number(at_pointer(said, "/aenergy/total"))) is not None:
        reading.tell("energy_wh", total)
    if reading:
        yield Message(device, channel.replace("data:", ":"), reading)


def _esphome(node: str, name: str, document: Any) -> Iterator[Message]:
    """https://esphome.io/components/mqtt: only the name says what a sensor is of which nothing was announced."""
    words, value = name.lower().split("_"), number(document)
    sensor = name.removeprefix(f"{node}_")
    if "power" in words and _NO_POWER.isdisjoint(words):
        yield Message(node, told=Told("power_watts", sensor, value))
    elif factor := _WATT_HOURS.get(words[-1]):
        yield Message(node, told=Told("energy_wh", sensor, None if value is None else value * factor))


def _zigbee(name: str, document: Any) -> Iterator[Message]:
    """https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html: names may have slashes."""
    device, _, last = name.rpartition("/")
    if last == "availability" and device:
        yield from _presence(device, document)
    elif not name.startswith("bridge/") and last not in ("set", "get") and _is_meter(document):
        reading = DeviceReading()
        _tell_all(reading, _ZIGBEE, document)
        yield Message(name, "", reading)


def _is_meter(document: Any) -> bool:
    """Whether it is one: the voltage of other devices is that of their battery, in mV."""
    return isinstance(document, dict) and not document.keys().isdisjoint({"power", "energy"})


def _tell_all(reading: DeviceReading, names: Mapping[str, str], document: Mapping[str, Any]) -> None:
    for word, name in names.items():
        if (value := number(document.get(name))) is not None:
            reading.tell(word, value)
