"""Samples by Prometheus' remote write: to Prometheus, VictoriaMetrics, Mimir, Thanos, Grafana Cloud and others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from collector_core import BaseOutput, Context, PayloadOutput, RecordsRefused, SampleBlock, hookimpl
from collector_plugins.remote_write import version_1, version_2
from collector_plugins.remote_write.config import Config
from collector_plugins.remote_write.receiver import Receiver
from collector_plugins.remote_write.version_2 import process_start

OUT_OF_ORDER = re.compile("out[ -]of[ -]order", re.IGNORECASE)


class RemoteWrite(PayloadOutput[Config]):
    """Sends what is published to a server that takes remote write; what ends gets a stale marker."""

    name = "remote_write"
    config_type = Config
    default_batch_size = 10_000
    takes_ends = True
    repeats_exactly = True  # then all of a batch has arrived, or nothing

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._receiver = Receiver(config, ctx)
        self._version_1 = version_1.Encoder()
        self._version_2 = version_2.Encoder(process_start())
        self.is_joinable = config.version == "1.0"  # requests of version 2.0 have tables of their own

    def encode_block(self, block: SampleBlock) -> bytes:
        """A request, in the version that the receiver is known to take."""
        return self._version_2.request(block) if self._receiver.takes_version_2 else self._version_1.request(block)

    def test(self) -> None:
        """Send a request without samples."""
        self._receiver.send([version_1.EMPTY])

    def send_payloads(self, payloads: Sequence[bytes], *, may_repeat: bool) -> None:
        """Send requests. One that comes again is refused by Prometheus as out of order if it has arrived before."""
        try:
            self._receiver.send(payloads)
        except RecordsRefused as error:
            if not (may_repeat and OUT_OF_ORDER.search(str(error))):
                raise

    def cancel(self) -> None:
        """Break the connection."""
        self._receiver.cancel()

    def close(self) -> None:
        """Let go of the connection."""
        self._receiver.close()


@hookimpl
def collector_output_types() -> Sequence[type[BaseOutput[Any]]]:
    """The output of this plugin."""
    return (RemoteWrite,)
