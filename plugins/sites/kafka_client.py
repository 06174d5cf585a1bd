"""How this plugin reaches Kafka: settings of librdkafka, and what its errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from collector_core import NotAvailable, Reason
from collector_plugins.sites.kafka_options import KafkaOptions

if TYPE_CHECKING:
    from confluent_kafka import Producer

EXTRA = "pip install 'energy-collector[sites]'"
_REFUSALS = ("AUTHENTICATION", "AUTHORIZATION", "SASL", "SSL")


def require_driver() -> None:
    """Raise `NotAvailable` where confluent-kafka cannot be imported."""
    try:
        import confluent_kafka  # noqa: F401, PLC0415 - large, and needed only where Kafka is configured
    except ImportError as error:
        raise NotAvailable(Reason.NOT_FOUND, f"confluent-kafka cannot be imported: {error}", fix=EXTRA) from None


def settings(options: KafkaOptions, **more: Any) -> dict[str, Any]:
    """What all clients have in common, without logs: errors are told to `error_cb`."""
    security = options.security
    found: Mapping[str, Any] = {
        "bootstrap.servers": options.brokers,
        "client.id": "energy-collector",
        "security.protocol": security.protocol,
        "sasl.mechanism": security.mechanism,
        "sasl.username": security.username,
        "sasl.password": security.password and security.password.get_secret_value(),
        "ssl.ca.location": security.ca_file and str(security.ca_file),
        "ssl.certificate.location": security.certificate_file and str(security.certificate_file),
        "ssl.key.location": security.key_file and str(security.key_file),
        "ssl.key.password": security.key_password and security.key_password.get_secret_value(),
        "socket.timeout.ms": 10_000,
        "topic.metadata.refresh.interval.ms": 10_000,  # a topic may be made later
        "reconnect.backoff.max.ms": 2000,
        "log_level": 0,
    }
    return {name: value for name, value in {**found, **more}.items() if value is not None}


def make_producer(options: KafkaOptions, patience: float) -> Producer:
    """A producer of messages that arrive once; one that the brokers do not take for `patience` seconds has failed."""
    from confluent_kafka import Producer  # noqa: PLC0415 - large, and needed only where something is sent

    more = {"acks": "all", "enable.idempotence": True, "message.timeout.ms": round(patience * 1000)}
    return Producer(settings(options, **more))


def make_topic(options: KafkaOptions, topic: str, patience: float) -> None:
    """Make a topic within `patience` seconds, unless it is there or that is not allowed: who writes to it finds out."""
    from confluent_kafka import KafkaException  # noqa: PLC0415 - large, and needed only where something is sent
    from confluent_kafka.admin import AdminClient, NewTopic  # noqa: PLC0415

    with suppress(KafkaException, TimeoutError):
        client = AdminClient(settings(options))  # a request ends with its client
        if client.list_topics(topic, patience).topics[topic].error is None:  # some brokers make it when they are asked
            return
        wanted = NewTopic(topic, num_partitions=1, replication_factor=-1)
        made = client.create_topics([wanted], operation_timeout=patience)
        made[topic].result(patience)


def explain(error: Any, brokers: str) -> NotAvailable:
    """What a `KafkaError` means."""
    name, text = str(error.name()), " ".join(str(error.str()).split())
    if any(word in name for word in _REFUSALS):
        return NotAvailable(Reason.AUTH, f"{brokers}: {text}", fix="correct `kafka.security`, or grant what is missing")
    if "UNKNOWN_TOPIC" in name:
        return NotAvailable(Reason.NOT_FOUND, f"{brokers}: {text}", fix="create the topic")
    return NotAvailable(Reason.UNREACHABLE, f"{brokers}: {text}", fix="start the brokers, or correct `kafka.brokers`")
