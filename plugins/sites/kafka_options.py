"""Options of Kafka."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from collector_core import ConfigPath, Field, Options, SecretStr

Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,240}$")]


def _joined(brokers: Any) -> Any:
    return ",".join(map(str, brokers)) if isinstance(brokers, list | tuple) else brokers


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


class KafkaOptions(Options):
    """Readings that come through Kafka, and forecasts that go there."""

    brokers: Annotated[str, BeforeValidator(_joined), Field(min_length=1)] = Field(
        description="Addresses of brokers, such as `kafka-1:9092,kafka-2:9092`."
    )
    topic_energy: Topic = Field("mining.telemetry", description="Topic of readings; poison goes to TOPIC.dead.")
    topic_forecast: Topic | None = Field("energy.forecast", description="Topic that forecasts go to; null: none.")
    group: str = Field("energy-collector", min_length=1, max_length=200, description="Group of consumers.")
    security: KafkaSecurity = Field(KafkaSecurity(), description="How brokers know who asks.")
