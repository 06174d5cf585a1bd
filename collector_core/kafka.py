"""How to reach Kafka: options of a cluster, settings of librdkafka, and what its errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from collector_core.errors import NotAvailable, Reason
from collector_core.options import ConfigPath, Options

if TYPE_CHECKING:
    from confluent_kafka import Producer

__all__ = ["KafkaCluster", "KafkaSecurity", "explain_kafka", "kafka_settings", "make_kafka_producer", "require_kafka"]

_REFUSALS = ("AUTHENTICATION", "AUTHORIZATION", "SASL", "SSL")
_ALERT = "tls alert"  # how OpenSSL tells that the other side has hung up for want of a certificate, or of ours


class KafkaSecurity(Options):
    """How brokers know who asks."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How the connection is protected."
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="How user and password are shown, with SASL."
    )
    username: str | None = Field(None, description="The user, with SASL.")
    password: SecretStr | None = Field(None, description="The password, with SASL.")
    ca_file: ConfigPath | None = Field(None, description="Certificates that the brokers' are verified with, in PEM.")
    certificate_file: ConfigPath | None = Field(None, description="Our own certificate, in PEM.")
    key_file: ConfigPath | None = Field(None, description="Its key, in PEM.")
    key_password: SecretStr | None = Field(None, description="The password of that key.")

    @model_validator(mode="after")
    def _consistent(self) -> KafkaSecurity:
        if self.protocol.startswith("SASL") and None in (self.mechanism, self.username, self.password):
            raise ValueError(f"{self.protocol} needs `mechanism`, `username` and `password`")
        return self


def _joined(brokers: Any) -> Any:
    return ",".join(map(str, brokers)) if isinstance(brokers, list | tuple) else brokers


class KafkaCluster(Options):
    """Where brokers are."""

    brokers: Annotated[str, BeforeValidator(_joined), Field(min_length=1)] = Field(
        description="Addresses of brokers, such as `kafka-1:9092,kafka-2:9092`."
    )
    security: KafkaSecurity = Field(KafkaSecurity(), description="How brokers know who asks.")


def require_kafka(extra: str) -> None:
    """Raise `NotAvailable` where confluent-kafka, which the extra brings, cannot be imported."""
    try:
        import confluent_kafka  # noqa: F401, PLC0415 - large, and needed only where Kafka is configured
    except ImportError as error:
        fix = f"pip install 'energy-collector[{extra}]'"
        raise NotAvailable(Reason.NOT_FOUND, f"confluent-kafka cannot be imported: {error}", fix=fix) from None


def kafka_settings(cluster: KafkaCluster, **more: Any) -> dict[str, Any]:
    """What all clients have in common, without logs: errors are told to `error_cb`."""
    security = cluster.security
    found: Mapping[str, Any] = {
        "bootstrap.servers": cluster.brokers,
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


def make_kafka_producer(cluster: KafkaCluster, patience: float, **more: Any) -> Producer:
    """A producer of messages that arrive once; one that the brokers do not take for `patience` seconds has failed."""
    from confluent_kafka import Producer  # noqa: PLC0415 - large, and needed only where something is sent

    own = {"acks": "all", "enable.idempotence": True, "message.timeout.ms": round(patience * 1000)}
    return Producer(kafka_settings(cluster, **own, **more))


def explain_kafka(error: Any, brokers: str, option: str = "") -> NotAvailable:
    """What a `KafkaError` means; `option` is what the section of options is called, `kafka.` for instance."""
    name, text = str(error.name()), " ".join(str(error.str()).split())
    if any(word in name for word in _REFUSALS) or _ALERT in text:
        fix = f"correct `{option}security`, or grant what is missing"
        return NotAvailable(Reason.AUTH, f"{brokers}: {text}", fix=fix)
    if "UNKNOWN_TOPIC" in name:
        return NotAvailable(Reason.NOT_FOUND, f"{brokers}: {text}", fix="create the topic")
    return NotAvailable(
        Reason.UNREACHABLE, f"{brokers}: {text}", fix=f"start the brokers, or correct `{option}brokers`"
    )
