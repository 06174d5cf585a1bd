"""Options of the mqtt plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from collector_core import CollectorConfig, ConfigPath, Duration, Field, SecretStr
from collector_core.devices import Device, Places, is_pointer, unique_names

PORTS = {"mqtt": 1883, "mqtts": 8883}


def _broker(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or parts.path not in ("", "/") or parts.query:
        raise ValueError("must be an address such as mqtt://192.0.2.7:1883 or mqtts://broker.lan")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a login: use `username` and `password`")
    return url


def _topic(topic: str) -> str:
    if "+" in topic or "#" in topic or "\0" in topic:
        raise ValueError("must be one topic, without + and #")
    return topic


def _prefix(topic: str) -> str:
    if topic.startswith(("/", "$")) or topic.endswith("/"):
        raise ValueError("must not begin with / or $, nor end with /")
    return topic


BrokerUrl = Annotated[str, AfterValidator(_broker)]
TopicName = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_topic)]
Prefix = Annotated[TopicName, AfterValidator(_prefix)]


class Topic(Device, Places):
    """A device that publishes to a topic of its own."""

    topic: TopicName = Field(description="Where it publishes JSON, or a number alone, which is at the place `/`.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        places = list(self.places())
        if not places:
            raise ValueError("say where its numbers are, such as `power_watts: /ENERGY/Power`")
        for word, _, place in places:
            if not is_pointer(place):
                raise ValueError(f"`{word}` must be a JSON pointer that begins with /, e.g. /ENERGY/Power (RFC 6901)")
        return self


class Config(CollectorConfig):
    """Options of the mqtt plugin."""

    url: BrokerUrl = Field("mqtt://localhost:1883", description="The broker: mqtt://host:port, or mqtts:// for TLS.")
    username: str | None = Field(None, min_length=1, description="User, where the broker wants a login.")
    password: SecretStr | None = Field(None, description="Password of the user.")
    ca_file: ConfigPath | None = Field(None, description="Certificates that the broker's is verified with.")
    devices: Annotated[tuple[Topic, ...], AfterValidator(unique_names)] = Field(
        (), description="Devices with topics of their own; those of the table below need no entry."
    )
    feeds: dict[str, tuple[str, ...]] = Field(
        {}, description="What devices without an entry feed, by their name: {desk: [host]}."
    )
    zigbee2mqtt: str = Field("zigbee2mqtt", min_length=1, description="The base topic of Zigbee2MQTT.")
    home_assistant: Prefix | None = Field(
        "homeassistant", description="Where devices announce themselves to Home Assistant; null does not read that."
    )
    stale_after: Duration = Field(600.0, description="A device that has been silent for so long is taken for gone.")
    max_devices: int = Field(500, ge=1, le=10_000, description="Devices that are followed; more are ignored.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.password is not None and self.username is None:
            raise ValueError("`password` needs a `username`")
        topics = [device.topic for device in self.devices]
        twice = next((topic for topic in topics if topics.count(topic) > 1), None)
        if twice is not None:
            raise ValueError(f"two devices have the topic {twice!r}")
        return self

    def device_feeds(self) -> Mapping[str, tuple[str, ...]]:
        """What devices feed, by their names; an entry of `devices` comes before `feeds`."""
        return self.feeds | {device.name: device.feeds for device in self.devices}
