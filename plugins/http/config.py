"""Options of the http plugin."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from collector_core import Field, SecretStr
from collector_core.devices import Device, DevicesConfig, Places, is_pointer, is_xml_path, known_name
from collector_plugins.http.kasa import MODEL as KASA
from collector_plugins.http.models import models

SHELLY = "shelly-gen2"  # has no other authentication


class Format(StrEnum):
    """How a device answers."""

    JSON = "json"
    XML = "xml"
    TEXT = "text"


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a login: use `username` and `password`")
    return url


def _model(name: str) -> str:
    return known_name(name, (*models(), KASA))


class Authentication(StrEnum):
    """How a login is sent."""

    BASIC = "basic"
    DIGEST = "digest"


class Endpoint(Device, Places):
    """A device that answers over HTTP."""

    url: Annotated[str, AfterValidator(_address)] = Field(
        description="Where it answers; with `model` its base address."
    )
    model: Annotated[str, AfterValidator(_model)] | None = Field(
        None, description="A device that is known; it needs no places. See below."
    )
    format: Format = Field(Format.JSON, description="How it answers: json, xml or text.")
    username: str | None = Field(None, min_length=1, description="User, where it wants a login.")
    password: SecretStr | None = Field(None, description="Password of the user.")
    authentication: Authentication | None = Field(
        None, description="How the login is sent: basic or digest; by default digest for shelly-gen2, else basic."
    )
    token: SecretStr | None = Field(None, description="Bearer token, where it wants one.")
    verify: bool = Field(True, description="Whether its certificate must be valid; false for one that it made itself.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        places = list(self.places())
        if bool(places) == bool(self.model):
            raise ValueError("give either `model` or where its numbers are, such as `power_watts: /meters/0/power`")
        for word, _, place in places:
            if problem := _problem(self.format, place):
                raise ValueError(f"`{word}` {problem}")
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` belong together")
        if self.token and self.password:
            raise ValueError("give `password` or `token`, not both")
        return self

    @property
    def is_digest(self) -> bool:
        """Whether the login is sent as digest authentication."""
        default = Authentication.DIGEST if self.model == SHELLY else Authentication.BASIC
        return (self.authentication or default) is Authentication.DIGEST


def _problem(kind: Format, place: str) -> str | None:
    """Why a place cannot be one; None for a good one."""
    if kind is Format.JSON and not is_pointer(place):
        return "must be a JSON pointer that begins with /, e.g. /meters/0/power (RFC 6901)"
    if kind is Format.XML and not is_xml_path(place):
        return "must be a path as ElementTree takes it, e.g. .//meter/power"
    if kind is Format.TEXT:
        try:
            re.compile(place)
        except re.error as error:
            return f"is not a regular expression: {error}"
    return None


class Config(DevicesConfig[Endpoint]):
    """Options of the http plugin."""
