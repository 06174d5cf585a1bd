"""Options of the output, checked before anything is connected."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from collector_core import ConfigPath, Duration, Field, OutputConfig, SecretStr
from collector_plugins.mqtt.config import BrokerUrl, Prefix


class Config(OutputConfig):
    """Options of the output mqtt."""

    url: BrokerUrl = Field(description="The broker: mqtt://host:port, or mqtts:// for TLS.")
    username: str | None = Field(None, min_length=1, description="User, where the broker wants a login.")
    password: SecretStr | None = Field(None, description="Password of the user, as `{$env: NAME}` or `{$file: PATH}`.")
    ca_file: ConfigPath | None = Field(None, description="Certificates that the broker's is verified with.")
    topic: Prefix = Field("energy-collector", description="What all topics but those of discovery begin with.")
    discovery_prefix: Prefix = Field("homeassistant", description="Where Home Assistant looks for devices.")
    expire_after: Duration = Field(
        600.0, description="Home Assistant takes a sensor for unavailable that has said nothing for so long."
    )

    @model_validator(mode="after")
    def _login(self) -> Self:
        if self.password is not None and self.username is None:
            raise ValueError("`password` needs a `username`")
        return self
