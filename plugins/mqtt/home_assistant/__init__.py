"""What is published, as sensors of Home Assistant: states over MQTT, with discovery."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from collector_core import Context, Output, OutputSample, Selector
from collector_plugins.mqtt.home_assistant.broker import Broker
from collector_plugins.mqtt.home_assistant.config import Config
from collector_plugins.mqtt.home_assistant.entities import Entities

TOPICS = "power|energy|charge|temperature|voltage|current|frequency|emissions|cost"


class HomeAssistant(Output[Config]):
    """Publishes the newest value of each series; Home Assistant finds a sensor for each."""

    name = "mqtt"
    config_type = Config
    keeps_newest_only = True
    takes_ends = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        expire_after = max(config.expire_after, 3 * ctx.interval)
        self._entities = Entities(config, socket.gethostname(), expire_after=expire_after)
        births = f"{config.discovery_prefix}/status"
        self._broker = Broker(config, ctx.timeout, availability=self._entities.availability_topic, births=births)

    @property
    def selectors(self) -> Sequence[Selector]:
        """What homes have sensors for."""
        return (Selector.parse(f'{{__topic__=~"{TOPICS}"}}'),)

    @property
    def batch_seconds(self) -> float:
        """A newer state does not keep the one before waiting: it takes its place."""
        return 0.0

    def encode(self, samples: Sequence[OutputSample]) -> Sequence[Any]:
        """State of each sensor, where it goes to, and what is told of the sensor."""
        records = []
        for sample in samples:
            if sample.series.kind != "info":
                entity = self._entities.of(sample.series)
                records.append([entity.state_topic, entity.state(sample), entity.config_topic, entity.config])
        return records

    def test(self) -> None:
        """Connect."""
        self._broker.connect()

    def send(self, records: Sequence[Any], *, may_repeat: bool) -> None:
        """Tell of sensors that are new, and publish states."""
        del may_repeat
        configs = {topic: text for _, _, topic, text in records}
        self._broker.publish(configs, {topic: state for topic, state, _, _ in records})

    def close(self) -> None:
        """Say `offline` and disconnect."""
        self._broker.close()
