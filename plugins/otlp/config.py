"""Options of the output, checked before anything is connected."""

from __future__ import annotations

from typing import Literal

from collector_core import ConfigPath, Field, HttpUrl, OutputConfig, SecretStr


class Config(OutputConfig):
    """Options of the output otlp."""

    url: HttpUrl = Field(description="Where to post, e.g. `http://localhost:4318/v1/metrics`.")
    protocol: Literal["http", "grpc"] = Field(
        "http", description="`grpc` takes host and port of the address, e.g. `http://localhost:4317`, and needs h2."
    )
    temporality: Literal["cumulative", "delta"] = Field(
        "cumulative", description="Of counters; `delta` for receivers that want rises."
    )
    bearer_token: SecretStr | None = Field(None, description="Token, as `{$env: NAME}` or `{$file: PATH}`.")
    headers: dict[str, SecretStr] = Field({}, description="Further headers, e.g. `{api-key: {$env: KEY}}`.")
    ca_file: ConfigPath | None = Field(None, description="Certificates that the receiver's is verified with.")
