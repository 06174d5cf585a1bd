"""Forecasts of sites, for a topic of Kafka: each time that a model was chosen."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from collector_core.kafka import make_kafka_producer
from collector_plugins.sites.fields import rfc3339
from collector_plugins.sites.forecasting import HIGHEST, LEVEL, LOWEST, MIDDLE, Kind
from collector_plugins.sites.kafka_client import make_topic
from collector_plugins.sites.kafka_options import KafkaOptions
from collector_plugins.sites.outlook import Outlook

if TYPE_CHECKING:
    from confluent_kafka import Producer

UNITS: dict[Kind, str] = {"load": "W", "hashrate": "TH/s"}
PATIENCE_SECONDS = 86_400  # for brokers that are away
FLUSH_SECONDS = 0.5
TOPIC_SECONDS = 30.0


class ForecastFeed:
    """Sends forecasts without waiting for anybody; nothing where there is no topic for them."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._producer: Producer | None = None
        self._maker: threading.Thread | None = None
        self._is_topic_there = False

    def send(self, site: str, kind: Kind, outlook: Outlook) -> None:
        """Send a forecast whose model was just chosen."""
        topic = self._options.topic_forecast
        if topic is None or outlook.made_at != outlook.chosen_at:
            return
        producer = self._opened(topic)
        with suppress(BufferError):  # brokers have been away for long, and the next one is as good
            producer.produce(topic, key=site.encode(), value=json.dumps(message(site, kind, outlook)).encode())
        producer.poll(0)

    def close(self) -> None:
        """Send what waits, if that succeeds at once."""
        if self._producer is not None:
            self._producer.flush(FLUSH_SECONDS)
            self._producer = None

    def _opened(self, topic: str) -> Producer:
        if not self._is_topic_there and not (self._maker and self._maker.is_alive()):
            self._maker = threading.Thread(target=self._make, args=(topic,), name="sites-topic", daemon=True)
            self._maker.start()
        if self._producer is None:
            self._producer = make_kafka_producer(self._options, PATIENCE_SECONDS)
        return self._producer

    def _make(self, topic: str) -> None:
        self._is_topic_there = make_topic(self._options, topic, TOPIC_SECONDS)


def message(site: str, kind: Kind, outlook: Outlook) -> dict[str, Any]:
    """A forecast as it is sent."""
    points = outlook.series.points
    return {
        "site_id": site,
        "kind": kind,
        "generated_at": rfc3339(outlook.made_at),
        "model": outlook.series.model,
        "step_seconds": outlook.series.step,
        "unit": UNITS[kind],
        "points": [
            {"t": rfc3339(round(moment * 1000)), "p10": low, "p50": middle, "p90": high}
            for (moment, low), (_, middle), (_, high) in zip(
                points[LOWEST], points[MIDDLE], points[HIGHEST], strict=True
            )
        ],
        "score": {"mase": outlook.mase, "coverage": outlook.series.coverage.get(LEVEL)},
    }
