"""Samples in line protocol: to InfluxDB 1, 2 and 3, VictoriaMetrics, Telegraf, QuestDB and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from collector_core import BaseOutput, Context, HttpSender, PayloadOutput, SampleBlock, SecretStr, hookimpl
from collector_core.wire import gzip_bytes, join_gzip
from collector_plugins.influx.config import Config
from collector_plugins.influx.lines import LineEncoder

HEADERS = {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip"}
PATHS = {1: "/write", 2: "/api/v2/write", 3: "/api/v3/write_lp"}


class Influx(PayloadOutput[Config]):
    """Writes what is published as points: measurement = name, tags = labels, one field `value`."""

    name = "influx"
    config_type = Config
    default_batch_size = 10_000

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._encoder = LineEncoder()
        login = None if config.username is None or config.password is None else (config.username, config.password)
        self._sender = HttpSender(
            f"{config.url.rstrip('/')}{PATHS[config.version]}?{urlencode(_parameters(config))}",
            timeout=ctx.timeout,
            headers=_authorization(config),
            login=login,
            ca_file=config.ca_file,
            redact=ctx.redact,
        )

    def encode_block(self, block: SampleBlock) -> bytes:
        """Lines, compressed."""
        return gzip_bytes(self._encoder.lines(block).encode())

    def test(self) -> None:
        """Write no line."""
        self.send_payloads([gzip_bytes(b"")], may_repeat=False)

    def send_payloads(self, payloads: Sequence[bytes], *, may_repeat: bool) -> None:
        """Post lines; a point that is there already is replaced by itself."""
        del may_repeat
        self._sender.post(join_gzip(payloads), HEADERS)

    def cancel(self) -> None:
        """Break the connection."""
        self._sender.cancel()

    def close(self) -> None:
        """Let go of the connection."""
        self._sender.close()


def _parameters(config: Config) -> dict[str, str]:
    where = {
        1: {"db": config.database, "precision": "ms"},
        2: {"org": config.org, "bucket": config.bucket, "precision": "ms"},
        3: {"db": config.database, "precision": "millisecond"},
    }
    return {name: value for name, value in where[config.version].items() if value is not None}


def _authorization(config: Config) -> Mapping[str, SecretStr]:
    if config.token is None:
        return {}
    scheme = "Bearer" if config.version == 3 else "Token"
    return {"Authorization": SecretStr(f"{scheme} {config.token.get_secret_value()}")}


@hookimpl
def collector_output_types() -> Sequence[type[BaseOutput[Any]]]:
    """The output of this plugin."""
    return (Influx,)
