"""Options of the guest plugin."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import model_validator

from collector_core import CollectorConfig, Field, PushOptions

AbsolutePath = Annotated[str, Field(pattern="^/", max_length=4096)]


class Config(CollectorConfig):
    """Options of the guest plugin: how the host tells; without any, over the port that is called energy-collector."""

    folder: AbsolutePath | None = Field(None, description="Folder that the host shares (virtiofs or 9p).")
    port: AbsolutePath | None = Field(
        None, description="Port of virtio-serial; default: /dev/virtio-ports/energy-collector."
    )
    push: PushOptions | None = Field(
        None, description="The host posts to `/api/v1/push/guest/host`: {token: …}, `expires_after`, `max_names`."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.folder, self.port, self.push)) > 1:
            raise ValueError("give one of folder, port and push")
        return self
