"""What Home Assistant is told of a series: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import NamedTuple

from collector_core import OutputSample, Series
from collector_plugins.mqtt.home_assistant.config import Config

MAKER = "energy-collector"
NO_VALUE = "None"  # the state of a sensor that has none
_OTHER = re.compile(r"[^a-zA-Z0-9_-]")


class _Kind(NamedTuple):
    """How values of a unit are shown: by which factor, in which unit, and as what."""

    factor: float
    unit: str | None
    device_class: str | None


_KINDS = {
    "watts": _Kind(1.0, "W", "power"),
    "joules": _Kind(1 / 3.6e6, "kWh", "energy"),
    "volt_amperes": _Kind(1.0, "VA", "apparent_power"),
    "celsius": _Kind(1.0, "°C", "temperature"),
    "volts": _Kind(1.0, "V", "voltage"),
    "amperes": _Kind(1.0, "A", "current"),
    "hertz": _Kind(1.0, "Hz", "frequency"),
    "seconds": _Kind(1.0, "s", "duration"),
    "bytes": _Kind(1.0, "B", "data_size"),
    "ratio": _Kind(100.0, "%", None),
    "grams": _Kind(1.0, "g", "weight"),
}
_NUMBER = _Kind(1.0, None, None)


@dataclass(frozen=True)
class Entity:
    """One sensor: `config` is what is told of it, `factor` what its values are multiplied by."""

    unique_id: str
    state_topic: str
    config_topic: str
    config: str
    factor: float

    def state(self, sample: OutputSample) -> str:
        """What is published for a sample."""
        return f"{sample.value * self.factor:.12g}" if math.isfinite(sample.value) else NO_VALUE


class Entities:
    """The sensors of one host; the same series always has the same one."""

    def __init__(self, config: Config, host: str, *, expire_after: float) -> None:
        self._config = config
        self._expire_after = max(1, math.ceil(expire_after))
        self._base = f"{config.topic}/{_plain(host)}"
        self._device = {"identifiers": [f"{MAKER}_{_plain(host)}"], "name": host, "manufacturer": MAKER}
        self._prefix = f"{MAKER}_{_plain(host)}"
        self._known: dict[Series, Entity] = {}
        self.availability_topic = f"{self._base}/availability"

    def of(self, series: Series) -> Entity:
        """The sensor of a series."""
        if series not in self._known:
            self._known[series] = self._new(series)
        return self._known[series]

    def _new(self, series: Series) -> Entity:
        number = hashlib.sha256(series.text.encode()).hexdigest()[:12]
        kind = _KINDS.get(series.unit, _NUMBER)
        unique_id = f"{self._prefix}_{series.name.replace(':', '-')}_{number}"
        state_topic = f"{self._base}/{series.name.replace(':', '-')}/{number}"
        said = {
            "unique_id": unique_id,
            "name": series.heading,
            "state_topic": state_topic,
            "state_class": "total_increasing" if series.is_counter else "measurement",
            "device_class": _device_class(series, kind),
            "unit_of_measurement": kind.unit,
            "expire_after": self._expire_after,
            "availability_topic": self.availability_topic,
            "device": self._device,
            "origin": {"name": MAKER},
        }
        text = json.dumps({key: value for key, value in said.items() if value is not None}, ensure_ascii=False)
        topic = f"{self._config.discovery_prefix}/sensor/{unique_id}/config"
        return Entity(unique_id, state_topic, topic, text, kind.factor)


def _device_class(series: Series, kind: _Kind) -> str | None:
    """Only what Home Assistant takes with the state class: energy must rise, and everything else must not."""
    if series.topic == "charge" and series.unit == "ratio":
        return "battery"
    if series.unit == "joules":
        return kind.device_class if series.is_counter else "energy_storage"
    return None if series.is_counter else kind.device_class


def _plain(text: str) -> str:
    return _OTHER.sub("-", text)
