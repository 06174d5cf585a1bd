"""Options of the snmp plugin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from collector_core import Field, Options, SecretStr
from collector_core.devices import Address, Device, DevicesConfig, known_name
from collector_core.metering import Supply
from collector_plugins.snmp.tables import UPS, Row, known_words, parse_oid, tables
from collector_plugins.snmp.usm import AuthProtocol

SHORTEST_PASSWORD = 8  # RFC 3414, 11.2


def _table(name: str) -> str:
    return known_name(name, tables())


def _word(name: str) -> str:
    return known_name(name.removesuffix("_total"), sorted(known_words()))


def _oid(text: str) -> str:
    if not re.fullmatch(r"\.?[0-2](\.(0|[1-9][0-9]{0,9})){2,120}", text):
        raise ValueError("must be an object identifier such as 1.3.6.1.2.1.33.1.4.4.1.4.1")
    if max(map(int, text.strip(".").split("."))) >= 1 << 32:
        raise ValueError("no number in an object identifier is that large")
    return text


def _password(password: SecretStr) -> SecretStr:
    if len(password.get_secret_value().encode()) < SHORTEST_PASSWORD:
        raise ValueError(f"must have at least {SHORTEST_PASSWORD} characters, as SNMP says")
    return password


def _version(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Password = Annotated[SecretStr, AfterValidator(_password)]


class OidOption(Options):
    """Where a quantity is."""

    metric: Annotated[str, AfterValidator(_word)] = Field(
        description="What it is: power_watts, energy_kwh, voltage_volts, outlet_power_watts, load_percent …"
    )
    oid: Annotated[str, AfterValidator(_oid)] = Field(description="Object identifier of the variable, with its index.")
    scale: float = Field(1.0, allow_inf_nan=False, description="What one unit of the number is in the metric's unit.")
    part: str = Field("", max_length=50, description="The phase or outlet, where the metric has one.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.metric.startswith(("phase_", "outlet_")) != bool(self.part):
            raise ValueError("`part` names the phase or outlet of phase_… and outlet_… metrics, and of these only")
        return self

    @property
    def row(self) -> Row:
        """The same, as it is read."""
        return Row(self.metric, parse_oid(self.oid), self.scale, part=self.part, is_signed=True)


class Agent(Device):
    """A device that speaks SNMP."""

    address: Address = Field(description="Host and port; without a port 161.")
    version: Annotated[Literal["2c", "3"], BeforeValidator(_version)] = Field(
        "2c", description="2c (a community, in the clear) or 3 (a user)."
    )
    community: SecretStr | None = Field(None, description="Community of version 2c; by default public.")
    username: str | None = Field(None, min_length=1, max_length=32, description="User of version 3.")
    auth_password: Password | None = Field(None, description="Password that messages are signed with.")
    auth_protocol: AuthProtocol = Field(
        AuthProtocol.SHA, description="Its hash: sha, sha224, sha256, sha384 or sha512."
    )
    privacy_password: Password | None = Field(
        None, description="Password that messages are encrypted with, by AES-128."
    )
    table: Annotated[str, AfterValidator(_table)] | None = Field(None, description="A device that is known; see below.")
    oids: tuple[OidOption, ...] = Field((), description="Where its numbers are, instead of `table`.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.oids) == (self.table is not None):
            raise ValueError("give either `table` or `oids`")
        of_user = (self.username, self.auth_password, self.privacy_password)
        if self.version == "2c" and any(each is not None for each in of_user):
            raise ValueError('`username` and its passwords need `version: "3"`')
        if self.version == "3" and (self.username is None or self.auth_password is None):
            raise ValueError("version 3 needs `username` and `auth_password`")
        if self.version == "3" and self.community is not None:
            raise ValueError('`community` is for `version: "2c"`')
        return self

    @property
    def rows(self) -> Sequence[Row]:
        """What is looked for."""
        return tables()[self.table] if self.table else [each.row for each in self.oids]

    @property
    def supply(self) -> Supply:
        """A UPS is before the plugs."""
        return Supply.UPS if self.table in UPS else Supply.PLUG


class Config(DevicesConfig[Agent]):
    """Options of the snmp plugin."""
