"""How this plugin reaches Kafka: what it needs, topics that are missing, and what errors mean."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from collector_core import NotAvailable
from collector_core.kafka import explain_kafka, kafka_settings, require_kafka
from collector_plugins.sites.kafka_options import KafkaOptions


def require_driver() -> None:
    """Raise `NotAvailable` where confluent-kafka cannot be imported."""
    require_kafka("sites")


def make_topic(options: KafkaOptions, topic: str, patience: float) -> bool:
    """Make a topic within `patience` seconds, unless it is there; returns whether it is, and never why it is not."""
    from confluent_kafka import KafkaException  # noqa: PLC0415 - large, and needed only where something is sent
    from confluent_kafka.admin import AdminClient, NewTopic  # noqa: PLC0415

    with suppress(KafkaException, TimeoutError):  # who writes to it finds out
        client = AdminClient(kafka_settings(options))  # a request ends with its client
        if client.list_topics(topic, patience).topics[topic].error is None:  # some brokers make it when they are asked
            return True
        wanted = NewTopic(topic, num_partitions=1, replication_factor=-1)
        made = client.create_topics([wanted], operation_timeout=patience)
        made[topic].result(patience)
        return True
    return False


def explain(error: Any, brokers: str) -> NotAvailable:
    """What a `KafkaError` means."""
    return explain_kafka(error, brokers, "kafka.")
