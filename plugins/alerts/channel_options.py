"""Channels as they are written in the configuration, discriminated by `type`."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints, field_validator, model_validator

from collector_core import ConfigPath, Duration, Field, Options, SecretStr, is_loopback_host
from collector_plugins.alerts.alert import Severity

ChatService = Literal["slack", "discord", "mattermost", "teams", "ntfy", "gotify", "telegram", "matrix"]
Template = Literal["alertmanager"] | ChatService


def _check_url(url: SecretStr) -> SecretStr:
    """Accept http and https only. The message does not repeat the URL: it may hold a token."""
    text = url.get_secret_value()
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(letter.isspace() or not letter.isprintable() for letter in text):
        raise ValueError("give a URL that starts with http:// or https:// and names a host")
    return url


Url = Annotated[SecretStr, AfterValidator(_check_url)]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$", max_length=254)]


class _Channel(Options, populate_by_name=True):
    min_severity: Severity = Field(Severity.WARNING, description="Less severe alerts are not sent to this channel.")
    send_resolved: bool = Field(True, description="Whether to notify when an alert is over.")
    timeout: Duration = Field(10.0, le=300, description="How long one delivery may take.")


class ConsoleOptions(_Channel):
    """Lines on standard output."""

    type: Literal["console"]


class LogOptions(_Channel):
    """A file of JSON lines."""

    type: Literal["log"]
    path: ConfigPath = Field(description="The file.")
    max_bytes: int = Field(10_000_000, ge=1000, description="Size at which the file is rotated.")
    backups: int = Field(5, ge=1, le=1000, description="How many rotated files are kept.")


class WebhookOptions(_Channel):
    """JSON in the format of Alertmanager's webhooks, signed by the Standard Webhooks specification; or for a chat."""

    type: Literal["webhook"]
    url: Url = Field(description="Where notifications are posted.")
    template: Template = Field(
        "alertmanager",
        description="The body: that of Alertmanager's webhooks, or what slack, discord, mattermost, teams, ntfy, "
        "gotify, telegram or matrix takes.",
    )
    secret: SecretStr | None = Field(None, min_length=16, description="Signing key of 16 characters or more.")
    bearer_token: SecretStr | None = Field(None, description="Sent in the header Authorization.")
    chat_id: str | None = Field(
        None, pattern=r"^(-?\d{1,20}|@\w{1,64})$", description="For telegram: the chat, as a number or `@channel`."
    )
    room: str | None = Field(
        None, max_length=255, pattern=r"^[!#][^\s]+$", description="For matrix: the room, as `!id:server`."
    )

    @model_validator(mode="after")
    def _check_template(self) -> Self:
        for name, value, template in (("chat_id", self.chat_id, "telegram"), ("room", self.room, "matrix")):
            if (value is not None) != (self.template == template):
                raise ValueError(f"`template: {template}` and `{name}` belong together")
        if self.template == "ntfy" and not urlsplit(self.url.get_secret_value()).path.strip("/"):
            raise ValueError("`template: ntfy` needs the topic in `url`, as https://ntfy.sh/TOPIC")
        if self.template == "matrix" and self.bearer_token is None:
            raise ValueError("`template: matrix` needs the access token as `bearer_token`")
        if self.template != "alertmanager" and self.secret is not None:
            raise ValueError("no chat checks a signature; leave out `secret`")
        return self


class AppriseOptions(_Channel):
    """Any service that Apprise knows."""

    type: Literal["apprise"]
    urls: tuple[SecretStr, ...] = Field(
        min_length=1, max_length=20, description="Addresses of Apprise, such as `pover://user@token`."
    )


class EmailOptions(_Channel):
    """Mail over SMTP."""

    type: Literal["email"]
    host: str = Field(min_length=1, pattern=r"^[^\s/]+$", description="The mail server.")
    port: int = Field(587, ge=1, le=65535, description="Its port.")
    tls: Literal["starttls", "tls", "off"] = Field("starttls", description="`off` is for this machine only.")
    ca_file: ConfigPath | None = Field(None, description="Certificates to trust; default: those of the system.")
    username: str | None = Field(None, description="If the server requires a login.")
    password: SecretStr | None = Field(None, description="If the server requires a login.")
    sender: Address = Field(alias="from", description="Address of the sender.")
    to: tuple[Address, ...] = Field(min_length=1, max_length=50, description="Addresses of the recipients.")

    @model_validator(mode="after")
    def _check_privacy(self) -> Self:
        if self.tls == "off" and not is_loopback_host(self.host):
            raise ValueError("`tls: off` would send mail and password in plain text; use starttls or tls")
        _check_login(self.username, self.password)
        return self


class AlertmanagerOptions(_Channel):
    """One Alertmanager, or all members of a cluster."""

    type: Literal["alertmanager"]
    urls: tuple[Url, ...] = Field(min_length=1, max_length=20, description="Base URLs; each is sent every alert.")
    resend: Duration = Field(
        60.0, ge=1, description="How often firing alerts are sent again; unsent for four times as long, they end."
    )
    bearer_token: SecretStr | None = Field(None, description="Sent in the header Authorization.")
    username: str | None = Field(None, description="For basic authentication.")
    password: SecretStr | None = Field(None, description="For basic authentication.")

    @field_validator("urls", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_authentication(self) -> Self:
        _check_login(self.username, self.password)
        if self.bearer_token and self.username:
            raise ValueError("give either `bearer_token` or `username` and `password`")
        return self

    @property
    def login(self) -> tuple[str, SecretStr] | None:
        """User and password, if authentication needs them."""
        return (self.username, self.password) if self.username is not None and self.password is not None else None


def _check_login(username: str | None, password: SecretStr | None) -> None:
    if (username is None) != (password is None):
        raise ValueError("`username` and `password` belong together")


ChannelOptions = Annotated[
    ConsoleOptions | LogOptions | WebhookOptions | EmailOptions | AlertmanagerOptions | AppriseOptions,
    Field(discriminator="type"),
]
