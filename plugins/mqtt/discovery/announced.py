"""Which devices have announced themselves, and what their messages mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from collector_core.devices import number
from collector_plugins.mqtt.discovery.announcement import METERED, Presence, Sensor, read_announcement
from collector_plugins.mqtt.discovery.template import Missing
from collector_plugins.mqtt.message import Message, Told

SENSORS_PER_DEVICE = 64
ESPHOME = re.compile("([^/]+)/sensor/[^/]+/state")
LEVELS = (3, 4)  # of the topic of an announcement, without the prefix


class _Announcement(NamedTuple):
    """What was announced at a topic, by its hash, and the devices of which it was."""

    topic: str
    text: int
    devices: frozenset[str]


IsElsewhere = Callable[[Sensor], bool]  # whether something else reads what a sensor says


@dataclass
class _Announced:
    """A device by what it has announced; `label` is its name here, as two may have the same."""

    name: str
    label: str = ""
    sensors: dict[str, tuple[Sensor, ...]] = field(default_factory=dict)  # by the topic of the announcement
    is_there: dict[str, bool] = field(default_factory=dict)  # by the topic that says so

    @property
    def all_sensors(self) -> Iterator[Sensor]:
        return chain.from_iterable(self.sensors.values())

    @property
    def presences(self) -> dict[str, tuple[Presence, str]]:
        """What says whether it is there, by topic, and how several are taken together."""
        return {each.topic: (each, sensor.presence_mode) for sensor in self.all_sensors for each in sensor.presence}

    @property
    def topics(self) -> set[str]:
        return {sensor.topic for sensor in self.all_sensors} | self.presences.keys()

    @property
    def is_meter(self) -> bool:
        return any(sensor.quantity.device_class in METERED for sensor in self.all_sensors)


class Announced:
    """The devices that were announced below a prefix; those that measure neither power nor energy are not read."""

    def __init__(self, prefix: str, taken: Collection[str], is_elsewhere: IsElsewhere, max_devices: int) -> None:
        self._prefix = f"{prefix}/"
        self._taken = frozenset(taken)
        self._is_elsewhere = is_elsewhere
        self._max_devices = max_devices
        self._devices: dict[str, _Announced] = {}  # by their identifiers
        self._announcements: dict[str, _Announcement] = {}  # by topic
        self._readers: dict[str, set[str]] = {}  # topic of states → devices
        self._nodes: set[str] = set()

    @property
    def filters(self) -> list[str]:
        """Topic filters of announcements."""
        return [f"{self._prefix}{kind}/{more}config" for kind in ("sensor", "device") for more in ("+/", "+/+/")]

    @property
    def topics(self) -> Collection[str]:
        """Where the devices that are read say something."""
        return self._readers.keys()

    def speaks_for(self, topic: str) -> bool:
        """Whether it is a sensor of a node of ESPHome's that has announced its sensors."""
        node = ESPHOME.fullmatch(topic)
        return node is not None and node[1] in self._nodes

    def is_announcement(self, topic: str) -> bool:
        """Whether a topic is one of announcements."""
        parts = topic.removeprefix(self._prefix).split("/")
        is_below = topic.startswith(self._prefix) and topic.endswith("/config")
        return is_below and len(parts) in LEVELS and parts[0] in ("sensor", "device")

    def announce(self, topic: str, text: str, document: Any) -> Iterator[Message]:
        """Take an announcement; an empty one takes back what was announced there."""
        before = self._announcements.get(topic)
        if before and before.text == hash(text):
            return
        parts = topic.removeprefix(self._prefix).split("/")
        sensors = [each for each in read_announcement(parts, document) if not self._is_elsewhere(each)]
        if sensors or before:
            labels, nodes, said = self._labels, set(self._nodes), self._said_of(before)
            added = self._replace(topic, hash(text), sensors)
            now, still = self._labels, {(each.device, each.quantity.word, each.name) for each in sensors}
            yield from (Message(label, ends=True) for key, label in labels.items() if label != now.get(key))
            yield from (Message(node, ends=True) for node in self._nodes - nodes)
            for key, word, name in said - still:
                yield Message(now.get(key, ""), told=Told(word, name, None), ends=True)
            yield from self._refusals(added)

    def read(self, topic: str, text: str, document: Any) -> Iterator[Message]:
        """What a message says of the devices that have announced its topic."""
        for key in self._readers.get(topic, ()):
            device = self._devices[key]
            for sensor in device.all_sensors:
                if sensor.topic == topic and not sensor.problem:
                    yield from _state(device.label, sensor, text, document)
            for presence, mode in device.presences.values():
                if presence.topic == topic and _notice(presence, device, text, document):
                    yield Message(device.label, is_there=_is_there(mode, device, topic))

    def _said_of(self, announcement: _Announcement | None) -> set[tuple[str, str, str]]:
        """Device, word and name of each sensor of an announcement."""
        if announcement is None:
            return set()
        found = chain.from_iterable(self._devices[key].sensors[announcement.topic] for key in announcement.devices)
        return {(each.device, each.quantity.word, each.name) for each in found}

    @property
    def _labels(self) -> dict[str, str]:
        return {key: device.label for key, device in self._devices.items()}

    def _replace(self, topic: str, text: int, sensors: Iterable[Sensor]) -> frozenset[str]:
        """The devices that have sensors at the topic now."""
        before = self._announcements.pop(topic, None)
        for key in before.devices if before else ():
            self._devices[key].sensors.pop(topic, None)
        if added := frozenset(self._add(topic, sensors)):
            self._announcements[topic] = _Announcement(topic, text, added)
        if before or not all(self._add_label(key) for key in added):
            self._start_anew()
        for key in added:
            self._index(key)
        return added

    def _add(self, topic: str, sensors: Iterable[Sensor]) -> Iterator[str]:
        for sensor in sensors:
            device = self._devices.get(sensor.device)
            if device is None:
                if len(self._devices) >= self._max_devices:
                    continue
                device = self._devices.setdefault(sensor.device, _Announced(sensor.device_name))
            if sum(map(len, device.sensors.values())) < SENSORS_PER_DEVICE:
                device.name = sensor.device_name
                device.sensors[topic] = (*device.sensors.get(topic, ()), sensor)
                yield sensor.device

    def _add_label(self, key: str) -> bool:
        """Whether the device has a label, also where nobody else has its name so far."""
        device = self._devices[key]
        if not device.label and device.name not in self._taken.union(self._labels.values()):
            device.label = device.name
        return bool(device.label)

    def _start_anew(self) -> None:
        """Forget who announces nothing, and give the others labels that do not depend on who came first."""
        self._devices = {key: device for key, device in sorted(self._devices.items()) if device.sensors}
        self._readers, self._nodes = {}, set()
        known = set(self._taken)
        for key, device in self._devices.items():
            device.label = device.name if device.name not in known else f"{device.name} ({key})"
            known.add(device.label)
            self._index(key)

    def _index(self, key: str) -> None:
        device = self._devices[key]
        for topic in device.topics if device.is_meter else ():
            self._readers.setdefault(topic, set()).add(key)
            if node := ESPHOME.fullmatch(topic):
                self._nodes.add(node[1])

    def _refusals(self, keys: Iterable[str]) -> Iterator[Message]:
        """Of meters of which nothing can be read."""
        for device in (self._devices[key] for key in keys):
            problems = [sensor.problem for sensor in device.all_sensors]
            if device.is_meter and all(problems):
                yield Message(device.label, refusal=problems[0])


def _state(label: str, sensor: Sensor, text: str, document: Any) -> Iterator[Message]:
    quantity = sensor.quantity
    try:
        value = number(sensor.template.value(text, document))
    except Missing:
        return
    base = None if value is None else value * quantity.scale + quantity.offset
    yield Message(label, told=Told(quantity.word, sensor.name, base))


def _notice(presence: Presence, device: _Announced, text: str, document: Any) -> bool:
    """Whether a message says that the device is there, or gone."""
    try:
        word = str(presence.template.value(text, document))
    except Missing:
        return False
    if word in (presence.there, presence.gone):
        device.is_there[presence.topic] = word == presence.there
    return word in (presence.there, presence.gone)


def _is_there(mode: str, device: _Announced, topic: str) -> bool:
    if mode == "all":
        return all(device.is_there.values())
    return any(device.is_there.values()) if mode == "any" else device.is_there[topic]
