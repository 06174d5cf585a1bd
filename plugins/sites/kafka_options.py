"""Options of Kafka."""

from __future__ import annotations

from typing import Annotated

from collector_core import Field
from collector_core.kafka import KafkaCluster

Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,240}$")]


class KafkaOptions(KafkaCluster):
    """Readings that come through Kafka, and forecasts that go there."""

    topic_energy: Topic = Field("mining.telemetry", description="Topic of readings; poison goes to TOPIC.dead.")
    topic_forecast: Topic | None = Field("energy.forecast", description="Topic that forecasts go to; null: none.")
    group: str = Field("energy-collector", min_length=1, max_length=200, description="Group of consumers.")
