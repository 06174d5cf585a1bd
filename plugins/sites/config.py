"""Options of the sites plugin."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, field_validator

from collector_core import CollectorConfig, Field, SecretStr, parse_duration
from collector_core.metering import by_country

LongDuration = Annotated[float, BeforeValidator(parse_duration), Field(ge=3600, le=100 * 366 * 86_400)]
"""A duration from an hour to a century."""


class Config(CollectorConfig):
    """Options of the sites plugin."""

    token: SecretStr | None = Field(
        None, description="Bearer token that writers present; required from other machines."
    )
    auto_register: bool = Field(False, description="Register a site with its first reading.")
    retention: LongDuration = Field(400 * 86_400, description="How long readings are kept; hourly sums stay for ever.")
    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$", description="ISO 4217 code of all prices.")
    country: str | None = Field(
        None, description="ISO 3166 code, e.g. DE: its yearly mean is the factor of `grid` for sites without a zone."
    )

    @field_validator("country")
    @classmethod
    def _known(cls, country: str | None) -> str | None:
        if country is not None and by_country(country) is None:
            raise ValueError(f"no carbon intensity is known for {country!r}: write an ISO 3166 code such as DE or USA")
        return country
