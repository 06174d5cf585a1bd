"""Both directions of Kafka: readings come in, forecasts go out."""

from __future__ import annotations

from collector_core import Readings
from collector_plugins.sites import metrics
from collector_plugins.sites.forecast_feed import ForecastFeed
from collector_plugins.sites.forecasting import Kind
from collector_plugins.sites.kafka_intake import KafkaIntake
from collector_plugins.sites.kafka_options import KafkaOptions
from collector_plugins.sites.outlook import Outlook
from collector_plugins.sites.service import SiteService


class KafkaStream:
    """What a collector has to do with Kafka; it waits for no broker."""

    def __init__(self, options: KafkaOptions, service: SiteService) -> None:
        self._intake = KafkaIntake(options, service.ingest.submit, service.load)
        self._feed = ForecastFeed(options)

    def start(self) -> None:
        """Begin to take readings; the service must be loaded."""
        self._intake.start()

    def send(self, site: str, kind: Kind, outlook: Outlook) -> None:
        """Send a forecast, where its model is new."""
        self._feed.send(site, kind, outlook)

    def publish(self, out: Readings) -> None:
        """Add how many messages wait."""
        if (lag := self._intake.lag) is not None:
            out.add(metrics.KAFKA_LAG, lag)

    def check(self) -> None:
        """Raises `NotAvailable` while nothing comes."""
        if self._intake.trouble is not None:
            raise self._intake.trouble

    def close(self) -> None:
        """Let go of the brokers."""
        self._intake.stop()
        self._feed.close()
