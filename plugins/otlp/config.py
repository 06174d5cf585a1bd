"""Options of the output, checked before anything is connected."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from collector_core import ConfigPath, Field, HttpUrl, OutputConfig, SecretStr


class Config(OutputConfig):
    """Options of the output otlp."""

    url: HttpUrl = Field(description="Where to post, e.g. `http://localhost:4318/v1/metrics`.")
    protocol: str = Field("http", description="`http`: protobuf over HTTP.")
    temporality: Literal["cumulative", "delta"] = Field(
        "cumulative", description="Of counters; `delta` for receivers that want rises."
    )
    bearer_token: SecretStr | None = Field(None, description="Token, as `{$env: NAME}` or `{$file: PATH}`.")
    headers: dict[str, SecretStr] = Field({}, description="Further headers, e.g. `{api-key: {$env: KEY}}`.")
    ca_file: ConfigPath | None = Field(None, description="Certificates that the receiver's is verified with.")

    @field_validator("protocol")
    @classmethod
    def _known(cls, protocol: str) -> str:
        if protocol == "grpc":
            raise ValueError("gRPC is not offered: use `http`, which every OpenTelemetry Collector takes on port 4318")
        if protocol != "http":
            raise ValueError("the protocol is `http`")
        return protocol
