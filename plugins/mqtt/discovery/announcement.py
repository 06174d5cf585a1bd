"""The sensors that a device announces: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from collector_plugins.mqtt.discovery.template import PLAIN, Template, parse_template
from collector_plugins.mqtt.home_assistant.entities import MAKER

MOST_SENSORS = 200  # of one announcement
MOST_CHARACTERS = 200  # of a name, which is a label

_ABBREVIATIONS = {
    "avty": "availability",
    "avty_mode": "availability_mode",
    "avty_t": "availability_topic",
    "avty_tpl": "availability_template",
    "cmps": "components",
    "cns": "connections",
    "dev": "device",
    "dev_cla": "device_class",
    "ent_cat": "entity_category",
    "ids": "identifiers",
    "o": "origin",
    "p": "platform",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
    "stat_t": "state_topic",
    "t": "topic",
    "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
}


class Quantity(NamedTuple):
    """A word of a device's numbers, and how a value becomes one."""

    device_class: str
    word: str
    scale: float = 1.0
    offset: float = 0.0


_UNITS = {
    "mW": Quantity("power", "power_watts", 1e-3),
    "W": Quantity("power", "power_watts"),
    "kW": Quantity("power", "power_watts", 1e3),
    "MW": Quantity("power", "power_watts", 1e6),
    "GW": Quantity("power", "power_watts", 1e9),
    "J": Quantity("energy", "energy_joules"),
    "kJ": Quantity("energy", "energy_joules", 1e3),
    "MJ": Quantity("energy", "energy_joules", 1e6),
    "GJ": Quantity("energy", "energy_joules", 1e9),
    "mWh": Quantity("energy", "energy_wh", 1e-3),
    "Wh": Quantity("energy", "energy_wh"),
    "kWh": Quantity("energy", "energy_wh", 1e3),
    "MWh": Quantity("energy", "energy_wh", 1e6),
    "GWh": Quantity("energy", "energy_wh", 1e9),
    "mV": Quantity("voltage", "voltage_volts", 1e-3),
    "V": Quantity("voltage", "voltage_volts"),
    "kV": Quantity("voltage", "voltage_volts", 1e3),
    "mA": Quantity("current", "current_amperes", 1e-3),
    "A": Quantity("current", "current_amperes"),
    "Hz": Quantity("frequency", "frequency_hertz"),
    "VA": Quantity("apparent_power", "apparent_power_volt_amperes"),
    "kVA": Quantity("apparent_power", "apparent_power_volt_amperes", 1e3),
    "°C": Quantity("temperature", "temperature_celsius"),
    "°F": Quantity("temperature", "temperature_celsius", 5 / 9, -160 / 9),
    "K": Quantity("temperature", "temperature_celsius", 1.0, -273.15),
}
_BY_CLASS = {  # whose unit does not say what they are
    ("battery", "%"): Quantity("battery", "battery_charge_percent"),
    ("power_factor", "%"): Quantity("power_factor", "power_factor_ratio", 0.01),
    ("power_factor", ""): Quantity("power_factor", "power_factor_ratio"),
}
METERED = frozenset({"power", "energy"})
_SETTINGS = frozenset({"config", "diagnostic"})


@dataclass(frozen=True)
class Presence:
    """A topic that says whether a device is there."""

    topic: str
    template: Template
    there: str
    gone: str


@dataclass(frozen=True)
class Sensor:
    """A number that a device publishes; `problem` says why it cannot be read."""

    device: str
    device_name: str
    name: str
    quantity: Quantity
    topic: str
    template: Template = PLAIN
    problem: str = ""
    presence: Sequence[Presence] = ()
    presence_mode: str = "latest"


def read_announcement(parts: Sequence[str], said: Any) -> Iterator[Sensor]:
    """The sensors of an announcement that measure something; `parts` are those of its topic, without the prefix."""
    told = _unabbreviated(said)
    if _mapping(told.get("origin")).get("name") == MAKER:
        return  # what another collector publishes it has read somewhere itself
    device = _mapping(told.get("device"))
    node = parts[1] if len(parts) == 4 else ""
    if parts[0] == "device":
        shared = {key: value for key, value in told.items() if key not in ("components", "name")}
        components = _mapping(told.get("components"))
        entities = [
            (name, _unabbreviated(shared | each))
            for name, each in components.items()
            if len(_mapping(each)) > 1  # the platform alone takes it away
        ]
    else:
        entities = [(parts[-2], told | {"platform": "sensor"})]
    for object_id, entity in entities[:MOST_SENSORS]:
        if entity.get("platform") == "sensor" and (sensor := _sensor(entity, device, node, str(object_id))):
            yield sensor


def _sensor(entity: Mapping[str, Any], device: Mapping[str, Any], node: str, object_id: str) -> Sensor | None:
    quantity, topic = _quantity(entity), _topic(entity, "state_topic")
    if quantity is None or not topic or entity.get("entity_category") in _SETTINGS:
        return None
    name = _text(entity.get("name"))
    key = _identifier(device) or _text(device.get("name")) or node or name or object_id
    device_name = _text(device.get("name")) or key
    template, problem = _template(entity.get("value_template"))
    return Sensor(
        key,
        device_name,
        _own_name(name, device_name, key) if device or node else "",
        quantity,
        topic,
        template,
        problem,
        tuple(_presence(entity)),
        _text(entity.get("availability_mode")) or "latest",
    )


def _own_name(name: str, *device: str) -> str:
    """The name of a sensor without that of its device."""
    for each in device:
        if name.lower().startswith(each.lower()):
            name = name[len(each) :]
    return name.strip(" _-:")


def _quantity(entity: Mapping[str, Any]) -> Quantity | None:
    """What it measures; None where it is something else, or its unit is not one of that."""
    unit, kind = _text(entity.get("unit_of_measurement")), _text(entity.get("device_class"))
    known = _BY_CLASS.get((kind, unit)) or _UNITS.get(unit)
    return known if known and kind in ("", known.device_class) else None


def _template(text: Any) -> tuple[Template, str]:
    if text in (None, ""):
        return PLAIN, ""
    try:
        return parse_template(text if isinstance(text, str) else ""), ""
    except ValueError as error:
        return PLAIN, f"its template is not understood: {error}"


def _presence(entity: Mapping[str, Any]) -> Iterator[Presence]:
    listed = entity.get("availability")
    alone = {
        "topic": entity.get("availability_topic"),
        "value_template": entity.get("availability_template"),
        "payload_available": entity.get("payload_available"),
        "payload_not_available": entity.get("payload_not_available"),
    }
    listed = listed if isinstance(listed, list) else [listed] if isinstance(listed, dict) else [alone]
    for each in map(_unabbreviated, listed[:8]):
        topic, (template, problem) = _topic(each, "topic"), _template(each.get("value_template"))
        if topic and not problem:
            there, gone = each.get("payload_available"), each.get("payload_not_available")
            yield Presence(topic, template, _text(there) or "online", _text(gone) or "offline")


def _unabbreviated(said: Any) -> dict[str, Any]:
    """A mapping with whole words, and whole topics."""
    told = {_ABBREVIATIONS.get(key, key): value for key, value in _mapping(said).items()}
    if isinstance(told.get("device"), dict):
        told["device"] = {_ABBREVIATIONS.get(key, key): value for key, value in told["device"].items()}
    base = told.get("~")
    if not isinstance(base, str):
        return told
    listed = told.get("availability")
    if isinstance(listed, list):
        told["availability"] = [_unabbreviated({**_mapping(each), "~": base}) for each in listed]
    return {key: _expanded(value, base) if key.endswith("topic") else value for key, value in told.items()}


def _expanded(topic: Any, base: str) -> Any:
    if isinstance(topic, str) and topic.startswith("~"):
        return base + topic[1:]
    if isinstance(topic, str) and topic.endswith("~"):
        return topic[:-1] + base
    return topic


def _topic(told: Mapping[str, Any], key: str) -> str:
    topic = told.get(key)
    is_one = isinstance(topic, str) and 0 < len(topic) <= 500 and not set(topic) & set("+#\0")
    return str(topic) if is_one else ""


def _identifier(device: Mapping[str, Any]) -> str:
    identifiers, connections = device.get("identifiers"), device.get("connections")
    if isinstance(identifiers, list) and identifiers:
        return _text(identifiers[0])
    if isinstance(connections, list) and connections and isinstance(connections[0], list) and connections[0]:
        return _text(connections[0][-1])
    return _text(identifiers)


def _text(value: Any) -> str:
    """A text that may be a label; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value).strip()
    return text if text.isprintable() and len(text) <= MOST_CHARACTERS else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
