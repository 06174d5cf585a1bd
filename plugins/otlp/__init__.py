"""Samples by OTLP: to an OpenTelemetry Collector, Prometheus 3, VictoriaMetrics, Grafana, Datadog and others."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import psutil

from collector_core import (
    BaseOutput,
    Context,
    PayloadOutput,
    RecordsRefused,
    SampleBlock,
    Series,
    hookimpl,
)
from collector_core.wire import as_bytes, gzip_bytes, join_gzip, read_fields
from collector_plugins.otlp.config import Config
from collector_plugins.otlp.grpc_sender import GrpcSender
from collector_plugins.otlp.http_sender import OtlpHttpSender
from collector_plugins.otlp.messages import Encoder

PROGRAM = "energy-collector"


class Otlp(PayloadOutput[Config]):
    """Sends what is published as OpenTelemetry metrics: protobuf over HTTP or gRPC, compressed."""

    name = "otlp"
    config_type = Config
    default_batch_size = 10_000
    takes_ends = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        release = version(PROGRAM)
        resource = {"service.name": PROGRAM, "service.version": release, "host.name": socket.gethostname()}
        self._encoder = Encoder(resource, (PROGRAM, release), psutil.Process().create_time())
        self._last: dict[Series, tuple[float, float]] = {}  # time and value of counters, for their rises
        self._sender = GrpcSender(config, ctx) if config.protocol == "grpc" else OtlpHttpSender(config, ctx)

    def encode_block(self, block: SampleBlock) -> bytes:
        """A request, compressed; several of them are one, as protobuf has it."""
        if self.config.temporality == "delta" and not block.ended:
            request = self._encoder.rises(block, self._rises(block))
        else:
            request = self._encoder.request(block)
        return gzip_bytes(request)

    def test(self) -> None:
        """Send a request without metrics."""
        self._sender.export(gzip_bytes(b""))

    def send_payloads(self, payloads: Sequence[bytes], *, may_repeat: bool) -> None:
        """Post metrics; raises `RecordsRefused` for as many points as the receiver says that it has rejected."""
        del may_repeat
        rejected, words = _partial_success(self._sender.export(join_gzip(payloads)))
        if rejected:
            raise RecordsRefused(rejected, f"{self._sender.place}: {self.ctx.redact(words)}")

    def cancel(self) -> None:
        """Break the connection."""
        self._sender.cancel()

    def close(self) -> None:
        """Let go of the connection."""
        self._sender.close()

    def _rises(self, block: SampleBlock) -> dict[Series, tuple[float, float]]:
        found = {}
        for sample in block.samples():
            if sample.series.is_counter:
                since, value = self._last.get(sample.series, (0.0, 0.0))
                if since:
                    rise = sample.value - value
                    found[sample.series] = since, rise if rise >= 0 else sample.value
                self._last[sample.series] = sample.time, sample.value
        return found


def _partial_success(body: bytes) -> tuple[int, str]:
    """How many points were rejected, and why, as `ExportMetricsServiceResponse` says."""
    try:
        for number, content in read_fields(body):
            if number == 1:
                said = dict(read_fields(as_bytes(content)))
                rejected = said.get(1, 0)
                return (rejected if isinstance(rejected, int) else 0), as_bytes(said.get(2, b"")).decode()
    except (ValueError, IndexError):
        return 0, ""
    return 0, ""


@hookimpl
def collector_output_types() -> Sequence[type[BaseOutput[Any]]]:
    """The output of this plugin."""
    return (Otlp,)
