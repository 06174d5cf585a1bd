"""Samples as messages in a topic of Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector_core import BaseOutput, Context, PayloadOutput, SampleBlock, hookimpl
from collector_core.kafka import require_kafka
from collector_plugins.kafka.config import Config
from collector_plugins.kafka.messages import MessageEncoder, read_payload
from collector_plugins.kafka.topic import Topic


class Kafka(PayloadOutput[Config]):
    """Sends what is published to a topic: a message for each sample, its series as the key."""

    name = "kafka"
    config_type = Config
    default_batch_size = 10_000

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._encoder = MessageEncoder()
        self._topic = Topic(config, ctx.timeout)

    def encode_block(self, block: SampleBlock) -> bytes:
        """Messages, compressed while they wait."""
        return self._encoder.payload(block)

    def test(self) -> None:
        """Connect, and find out whether the topic is there."""
        require_kafka("kafka")
        self._topic.check()

    def send_payloads(self, payloads: Sequence[bytes], *, may_repeat: bool) -> None:
        """Send messages; done when all replicas in sync have them. Who reads may see some twice after a failure."""
        del may_repeat
        require_kafka("kafka")
        self._topic.send([message for payload in payloads for message in read_payload(payload)])

    def close(self) -> None:
        """Let go of the brokers."""
        self._topic.close()


@hookimpl
def collector_output_types() -> Sequence[type[BaseOutput[Any]]]:
    """The output of this plugin."""
    return (Kafka,)
