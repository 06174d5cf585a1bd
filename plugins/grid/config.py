"""Options of the grid plugin."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from collector_core import CollectorConfig, Field, Options, SecretStr, SecureUrl
from collector_core.devices import DeviceName, known_name
from collector_plugins.grid.provider import Place, ProviderKind
from collector_plugins.grid.services import KINDS


def _kind(name: str) -> str:
    return known_name(name, KINDS)


class Provider(Options):
    """Somebody who tells prices or carbon intensities."""

    name: DeviceName = Field(description="The label `provider`.")
    kind: Annotated[str, AfterValidator(_kind)] = Field(description="Which service it is; see below.")
    zone: str | None = Field(None, description="Where: as the service calls its zones.")
    token: SecretStr | None = Field(None, description="The token or key that the service gave you.")
    url: SecureUrl | None = Field(
        None, description="Base address, where it is not the service's own; https outside loopback."
    )
    fees_per_kwh: float = Field(
        0.0, ge=-100, le=100, allow_inf_nan=False, description="Added to each price per kWh: fees of the grid, levies."
    )
    tax_ratio: float = Field(
        0.0, ge=0, le=2, allow_inf_nan=False, description="Tax on price and fees, as a ratio: 0.19 for 19 %."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        service = KINDS[self.kind]
        if self.zone is None and service.default_zone is None:
            raise ValueError(f"needs a `zone`: {service.zone_example}")
        if self.zone is not None and not re.fullmatch(service.zone_pattern, self.zone):
            raise ValueError(f"`zone` of {self.kind} is {service.zone_example}")
        if service.needs_token and self.token is None:
            raise ValueError(f"{self.kind} needs a `token`")
        return self

    @property
    def service(self) -> ProviderKind:
        """What it can be asked."""
        return KINDS[self.kind]

    @property
    def where(self) -> str:
        """Its zone."""
        return self.zone or self.service.default_zone or ""

    def place(self, now: float) -> Place:
        """Whom to ask; `now` is in seconds since 1970."""
        return Place(self.url or self.service.url, self.where, self.token, now)

    def price(self, of_market: float) -> float:
        """What one pays."""
        return float(f"{(of_market + self.fees_per_kwh) * (1 + self.tax_ratio):.9g}")


def _unique(providers: tuple[Provider, ...]) -> tuple[Provider, ...]:
    for name, times in Counter(provider.name for provider in providers).items():
        if times > 1:
            raise ValueError(f"two providers are called {name!r}; give them different names")
    return providers


class Config(CollectorConfig):
    """Options of the grid plugin."""

    providers: Annotated[tuple[Provider, ...], AfterValidator(_unique)] = Field(
        (), description="Whom to ask; the first that tells a price, and the first that tells a carbon intensity, count."
    )
    hours_ahead: int = Field(24, ge=0, le=48, description="How many hours ahead are published as metrics.")
