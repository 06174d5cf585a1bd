"""Options of the output, checked before anything is connected."""

from __future__ import annotations

from typing import Annotated, Literal

from collector_core import Field, OutputConfig
from collector_core.kafka import KafkaCluster


class Config(KafkaCluster, OutputConfig):
    """Options of the output kafka."""

    topic: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")] = Field(
        "energy.samples", description="Topic that samples go to."
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "gzip", description="Of messages; every client reads gzip."
    )
