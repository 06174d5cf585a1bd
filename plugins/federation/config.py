"""Options of the federation plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from collector_core import CollectorConfig, ConfigPath, Field, Options, SecretStr, is_loopback_host

Name = Annotated[str, Field(pattern=r"^[^\s/\"\\]{1,100}$")]


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be the collector's address, e.g. http://192.0.2.7:9877")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a login: use `username` and `password`")
    return url.rstrip("/")


class RemoteCollector(Options):
    """Another collector."""

    url: Annotated[str, AfterValidator(_address)] = Field(description="Its address, e.g. http://192.0.2.7:9877.")
    site: Name | None = Field(
        None, description="Another site: its devices and hosts are others than those of the same name elsewhere."
    )
    token: SecretStr | None = Field(None, description="Bearer token, for a proxy in front of it.")
    username: str | None = Field(None, min_length=1, description="User of its `basic_auth_users`.")
    password: SecretStr | None = Field(None, description="Password of the user.")
    ca_file: ConfigPath | None = Field(None, description="Certificates that its own is verified with, in PEM.")
    verify: bool = Field(True, description="Whether its certificate must be valid; false for one that it made itself.")

    @property
    def login(self) -> tuple[str, SecretStr] | None:
        """User and password."""
        return (self.username, self.password) if self.username and self.password else None

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.username is None) is not (self.password is None):
            raise ValueError("username and password go together")
        if self.token and self.login:
            raise ValueError("give token or username, not both")
        parts = urlsplit(self.url)
        is_open = parts.scheme == "http" and not is_loopback_host(parts.hostname)
        if is_open and (self.token or self.login):
            raise ValueError("url must begin with https://, because the token or password goes there")
        return self


class Config(CollectorConfig):
    """Options of the federation plugin."""

    sources: Mapping[Name, RemoteCollector] = Field(
        default_factory=dict, max_length=1000, description="Other collectors by what they are called here."
    )
