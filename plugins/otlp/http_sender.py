"""Sends requests over HTTP: https://opentelemetry.io/docs/specs/otlp/#otlphttp."""

from __future__ import annotations

from collector_core import Context, HttpSender
from collector_plugins.otlp.config import Config

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}


class OtlpHttpSender(HttpSender):
    """Posts to one address, over a connection that is kept."""

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(
            config.url,
            timeout=ctx.timeout,
            headers=config.headers,
            token=config.bearer_token,
            ca_file=config.ca_file,
            redact=ctx.redact,
        )

    def export(self, request: bytes) -> bytes:
        """Post a request in gzip; returns the answer's message, and raises as `post` does."""
        return self.post(request, HEADERS).body
