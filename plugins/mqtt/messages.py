"""What devices publish: the topics and documents of Tasmota, Shelly, Zigbee2MQTT and of entries."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from collector_core import NotAvailable
from collector_core.devices import DeviceReading, at_pointer, find_in_json, number, read_places
from collector_plugins.mqtt.config import Topic


class Message(NamedTuple):
    """What a device says of one of its channels, or (`is_there`) whether it is there."""

    device: str
    channel: str = ""
    reading: DeviceReading | None = None
    is_there: bool | None = None


Parse = Callable[[Sequence[str], Any], "Iterator[Message]"]
OFFLINE, ONLINE = frozenset({"offline", "false", "0"}), frozenset({"online", "true", "1"})
_GEN2_CHANNEL = re.compile(r"(switch|pm1|cover|em1|em|em1data|emdata):\d+")
_TASMOTA = {
    "energy_kwh": "Total",
    "voltage_volts": "Voltage",
    "current_amperes": "Current",
    "power_factor_ratio": "Factor",
    "apparent_power_volt_amperes": "ApparentPower",
}
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
    """Knows which topics to subscribe to, and what a message means."""

    def __init__(self, devices: Sequence[Topic], zigbee2mqtt: str) -> None:
        self._own: Mapping[str, Topic] = {device.topic: device for device in devices}
        self._zigbee = zigbee2mqtt.rstrip("/")

    @property
    def filters(self) -> list[str]:
        """Topic filters of everything that is understood."""
        known = ["tele/+/SENSOR", "tele/+/LWT", "+/tele/SENSOR", "+/tele/LWT", "shellies/#"]
        shelly = ["+/online", "+/status/+", "+/events/rpc"]
        return [*self._own, *known, *shelly, f"{self._zigbee}/#"]

    def parse(self, topic: str, payload: bytes) -> list[Message]:
        """What a message says; nothing where it is not understood."""
        try:
            text = payload.decode()
            document = _document(text)
            if own := self._own.get(topic):
                return [Message(own.name, topic, read_places(own, find_in_json(document)))]
            if topic.startswith(f"{self._zigbee}/"):
                return list(_zigbee(topic.removeprefix(f"{self._zigbee}/"), document))
            return list(_other(topic.split("/"), document))
        except (UnicodeDecodeError, NotAvailable):
            return []


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
        case ["shellies", device, "online"] | [device, "online"]:
            yield from _presence(device, document)
        case ["shellies", device, kind, channel, quantity] if (kind, quantity) in _GEN1:
            word, factor = _GEN1[kind, quantity]
            if (value := number(document)) is not None:
                reading = DeviceReading()
                reading.tell(word, value * factor)
                yield Message(device, f"{kind}/{channel}", reading)
        case [device, "status", channel] if _GEN2_CHANNEL.fullmatch(channel):
            yield from _gen2(device, channel, document)
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
