"""Channels as they are written in the configuration, told apart by `type`."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, field_validator, model_validator

from collector_core import ConfigPath, Duration, Field, SecretStr
from collector_plugins.alerts.alert import Severity

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _is_http(url: SecretStr) -> SecretStr:
    """http and https only: what else a URL may name is nobody's alert receiver. Its text may hold a token."""
    try:
        parts = urlsplit(url.get_secret_value())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(letter.isspace() or not letter.isprintable() for letter in url.get_secret_value()):
        raise ValueError("write a URL that begins with http:// or https:// and names a host")
    return url


Url = Annotated[SecretStr, AfterValidator(_is_http)]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$", max_length=254)]


class _Channel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)

    min_severity: Severity = Field(Severity.WARNING, description="What is less severe is not told here.")
    send_resolved: bool = Field(True, description="Tell also when it is over.")
    timeout: Duration = Field(10.0, le=300, description="How long one delivery may take.")


class ConsoleOptions(_Channel):
    """Lines on standard output."""

    type: Literal["console"]


class LogOptions(_Channel):
    """A file of JSON lines."""

    type: Literal["log"]
    path: ConfigPath = Field(description="The file.")
    max_bytes: int = Field(10_000_000, ge=1000, description="When it is that large another one begins.")
    backups: int = Field(5, ge=1, le=1000, description="Earlier files that are kept.")


class WebhookOptions(_Channel):
    """JSON in the form of Alertmanager's webhooks, signed as Standard Webhooks are."""

    type: Literal["webhook"]
    url: Url = Field(description="Where it is posted.")
    secret: SecretStr | None = Field(None, min_length=16, description="Key of the signature, 16 characters or more.")
    bearer_token: SecretStr | None = Field(None, description="For the header Authorization.")


class EmailOptions(_Channel):
    """Mail over SMTP."""

    type: Literal["email"]
    host: str = Field(min_length=1, pattern=r"^[^\s/]+$", description="The mail server.")
    port: int = Field(587, ge=1, le=65535, description="Its port.")
    tls: Literal["starttls", "tls", "off"] = Field("starttls", description="`off` only on this machine.")
    ca_file: ConfigPath | None = Field(None, description="Certificates to trust; those of the system.")
    username: str | None = Field(None, description="Where the server asks for it.")
    password: SecretStr | None = Field(None, description="Where the server asks for it.")
    sender: Address = Field(alias="from", description="Who writes.")
    to: tuple[Address, ...] = Field(min_length=1, max_length=50, description="Who reads.")

    @model_validator(mode="after")
    def _is_private(self) -> Self:
        if self.tls == "off" and self.host not in LOOPBACK:
            raise ValueError("`tls: off` would send mail and password readable by everybody: starttls or tls")
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` go together")
        return self


class AlertmanagerOptions(_Channel):
    """One Alertmanager, or all of a cluster."""

    type: Literal["alertmanager"]
    urls: tuple[Url, ...] = Field(min_length=1, max_length=20, description="Base URLs; each gets all alerts.")
    resend: Duration = Field(
        60.0, ge=1, description="How often it is told what fires; unheard for four times that, it ends."
    )
    bearer_token: SecretStr | None = Field(None, description="For the header Authorization,")
    username: str | None = Field(None, description="or basic authentication.")
    password: SecretStr | None = Field(None, description="The same.")

    @field_validator("urls", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` go together")
        if self.bearer_token and self.username:
            raise ValueError("give `bearer_token`, or `username` and `password`")
        return self


ChannelOptions = Annotated[
    ConsoleOptions | LogOptions | WebhookOptions | EmailOptions | AlertmanagerOptions, Field(discriminator="type")
]
