"""Options of the plugin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from collector_core import CollectorConfig, Duration, Field

_TARGET = re.compile(r"(\[[0-9a-fA-F:.]+(?:%[a-zA-Z0-9_.-]+)?\]|[^\s:/\[\]]+):(\d{1,5})")


@dataclass(frozen=True)
class Target:
    """A TCP port that answers: `host:port`, IPv6 addresses in brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def _target(given: object) -> object:
    if not isinstance(given, str):
        return given
    match = _TARGET.fullmatch(given)
    if match is None or not 0 < int(match[2]) < 65536:
        raise ValueError("write it as host:port, e.g. 192.0.2.1:443 or [2001:db8::1]:443")
    return Target(match[1].strip("[]"), int(match[2]))


class Config(CollectorConfig):
    """Options of the performance plugin."""

    node_id: str | None = Field(None, description="Name of this node in snapshots. Default: its host name.")
    targets: dict[str, Annotated[Target, BeforeValidator(_target), PlainSerializer(str)]] = Field(
        {}, max_length=50, description="Targets to measure latency and loss to: name and host:port of each."
    )
    retention: Duration = Field(
        3600,
        ge=60,
        description="What history and report cover by default; kept in memory only with `history: off`.",
    )
